public import Model

/// Why what a request says of network, rights or limits cannot be had.
public enum IsolationFault: Error, Equatable, Sendable {
  case network(NetworkFault)
  case nameServer(text: String)
  case rootOnly(option: String)
  /// With `--fakeroot`: ids beyond those of its namespace.
  case unmapped(uid: UInt32, gids: [UInt32], IDMap)
  case setUserID
  case unknownCapability(name: String, option: String)
  case securitySyntax(word: String)
  case securityModule(name: String, word: String)
  case limitSyntax(option: String, value: String, why: String)
  case limitsTogether(option: String)
  case noLimits(option: String, why: String)
  /// Version 2 is there, and none of its groups is the caller's.
  case noGroup(option: String)
  /// The container's group would lie above one of the caller's that is limited.
  case leavesLimit(option: String, group: String, limit: String)
  /// The container would not be ended with its job step.
  case leavesStep(option: String, group: String)
  case limitsFile(path: String, why: String)
}

extension IsolationFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .network(let fault): fault.explanation
    case .nameServer(let text):
      Explanation(
        what: "cannot use --dns \(printable(text))", why: "it is not an IPv4 or IPv6 address",
        remedy:
          "name servers are given by their addresses, several separated by commas: --dns 192.0.2.1,2001:db8::1"
      )
    case .setUserID:
      Explanation(
        what: "cannot use --allow-setuid", why: "set-user-ID programs of an image never give rights here",
        remedy: "leave it out: a program that needs another user's rights is started with --security uid:")
    case .rootOnly(let option):
      Explanation(
        what: "cannot use \(printable(option))", why: "it requires root privileges",
        remedy: "leave it out, or have root start the container")
    case .unmapped(let uid, let gids, let ids):
      Explanation(
        what:
          "cannot use --security with the user \(uid) and the groups \(gids.map { "\($0)" }.connected(by: ", "))",
        why: "with --fakeroot there are \(ids.userCount) users and \(ids.groupCount) groups, counted from 0",
        remedy: "name one of them, or have the administrator give you more ids in /etc/subuid and /etc/subgid"
      )
    case .unknownCapability(let name, let option):
      Explanation(
        what: "cannot use \(option) \(printable(name))", why: "there is no capability of that name",
        remedy: "names are those of capabilities(7), with or without CAP_: CAP_NET_RAW, net_raw, or all")
    case .securitySyntax(let word):
      Explanation(
        what: "cannot understand --security \(printable(word))",
        why:
          "it is none of uid: with a number, gid: with numbers, seccomp: with a file, apparmor: and selinux: with a name",
        remedy:
          "write it as uid:1000,gid:1000, with more groups as gid:1000:2000, or as seccomp:/path/profile.json"
      )
    case .securityModule(let name, let word):
      Explanation(
        what: "cannot use --security \(printable(word))", why: "\(name) is not enabled on this system",
        remedy: "leave it out: the program runs under what its caller runs under")
    case .limitSyntax(let option, let value, let why):
      Explanation(
        what: "cannot understand \(option) \(printable(value))", why: why,
        remedy: "see `apus help exec` for what it takes")
    case .limitsTogether(let option):
      Explanation(
        what: "cannot use --apply-cgroups with \(option)", why: "limits come from one place",
        remedy: "write them all into the file, or all as options")
    case .noLimits(let option, let why):
      Explanation(
        what: "cannot set the limit of \(option)", why: why,
        remedy:
          "let the batch system set it (Slurm: --mem, --cpus-per-task), or leave it out; limits of the caller"
          + " (ulimit, the job's control group) hold in the container in any case")
    case .noGroup(let option):
      Explanation(
        what: "cannot set the limit of \(option)",
        why: "no control group above this process is yours to use (none is delegated)",
        remedy:
          "start it in one: systemd-run --user --scope -p Delegate=yes apus …; in a job let the batch system set it"
          + " (Slurm: --mem, --cpus-per-task)")
    case .leavesLimit(let option, let group, let limit):
      Explanation(
        what: "cannot set the limit of \(option)",
        why: "the container would leave the control group \(printable(group)), whose limit holds for it"
          + " (\(printable(limit)))",
        remedy:
          "ask for it where that limit comes from: systemd-run (-p MemoryMax=, -p CPUQuota=, -p TasksMax=) or the batch"
          + " system; or give an option that sets the same limit no higher")
    case .leavesStep(let option, let group):
      Explanation(
        what: "cannot set the limit of \(option)",
        why:
          "the container would leave the job step that it is part of, the control group \(printable(group))",
        remedy: "let the batch system set it (Slurm: --mem, --cpus-per-task), or leave it out")
    case .limitsFile(let path, let why):
      Explanation(
        what: "cannot use --apply-cgroups \(printable(path))", why: why,
        remedy:
          "it holds tables cpu, memory, pids, blockIO, hugepageLimits and unified, as in the OCI specification's resources"
      )
    }
  }
}
