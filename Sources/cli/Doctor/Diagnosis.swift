internal import Linux
internal import Model

/// Judges what was found: pure, one check a subject.
public func diagnose(_ node: NodeFacts) -> [Check] {
  var checks = [userNamespaces(node), otherNamespaces(node), appArmor(node), seLinux(node), fuse(node)]
  checks += [
    trial(
      "read-only overlay for users", node.overlay,
      cost: "mount points that an image lacks are made by binding its entries one by one: slower starts",
      remedy:
        "a kernel of 5.11 or later; on Debian 11 the administrator loads overlay with permit_mounts_in_userns=1"
    ),
    trial(
      "writable overlay in memory", node.writableOverlay,
      cost: "--writable-tmpfs fails, or fails when a directory of the image is replaced",
      remedy: "a kernel of 6.6 or later; --overlay DIRECTORY on a disk works from 5.11 on"),
    trial(
      "mounts by descriptor", node.newMountAPI, cost: "starts use the older interface",
      remedy: "a kernel of 5.12 or later; inside another container its filter of system calls"),
    node.fileSystems.contains("squashfs")
      ? Check("kernel squashfs", .good, "known to the kernel")
      : Check(
        "kernel squashfs", .missing, "not known to the kernel", cost: "root runs images with --userns only",
        remedy: "the administrator loads it: modprobe squashfs"),
    subordinateIDs(node), cgroups(node), binfmt(node), limits(node), programs(node),
  ]
  if node.sysctls["dev.tty.legacy_tiocsti"] == "1" {
    checks.append(
      Check(
        "terminals", .missing, "dev.tty.legacy_tiocsti = 1",
        cost:
          "a program can type into the terminal it was started from, in a container (but for --contain) as on the host",
        remedy: "the administrator sets it: sysctl dev.tty.legacy_tiocsti=0"))
  }
  if let fault = node.runtimeDirectory {
    checks.append(
      Check(
        "runtime directory", .failing, fault.why, cost: "image servers have no place for their sockets",
        remedy: fault.remedy))
  } else {
    checks.append(Check("runtime directory", .good, "usable"))
  }
  return checks
}

/// What was tried, and worked or did not.
private func trial(_ name: String, _ error: Int32, cost: String, remedy: String) -> Check {
  error == 0
    ? Check(name, .good, "works") : Check(name, .missing, errorText(error), cost: cost, remedy: remedy)
}

private func values(_ node: NodeFacts, _ names: [String]) -> String {
  names.compactMap { name in node.sysctls[name].map { "\(name) = \($0)" } }.connected(by: ", ")
}

private let userSwitches = [
  "user.max_user_namespaces", "kernel.unprivileged_userns_clone",
  "kernel.apparmor_restrict_unprivileged_userns",
]

private func userNamespaces(_ node: NodeFacts) -> Check {
  let values = values(node, userSwitches)
  if node.userNamespaces == 0 { return Check("user namespaces", .good, values.isEmpty ? "work" : values) }
  return Check(
    "user namespaces", node.isRoot ? .missing : .failing,
    errorText(node.userNamespaces) + (values.isEmpty ? "" : "; \(values)"),
    cost: "ordinary users can run nothing", remedy: namespaceRemedy(node))
}

private func namespaceRemedy(_ node: NodeFacts) -> String {
  for name in ["user.max_user_namespaces", "user.max_mnt_namespaces"] where node.sysctls[name] == "0" {
    return "the administrator sets it: sysctl \(name)=65536"
  }
  if node.sysctls["kernel.unprivileged_userns_clone"] == "0" {
    return "the administrator sets it: sysctl kernel.unprivileged_userns_clone=1"
  }
  if isRestricted(node) {
    return "the administrator loads the profile that `apus doctor --apparmor-profile` prints"
  }
  return "inside another container: allow it nested user namespaces (seccomp, unprivileged unshare)"
}

private func otherNamespaces(_ node: NodeFacts) -> Check {
  let found = values(node, NodeFacts.namespaces.map(\.sysctl))
  let closed = NodeFacts.namespaces.filter { node.sysctls[$0.sysctl] == "0" }
  guard !closed.isEmpty else { return Check("other namespaces", .good, found.isEmpty ? "no limits" : found) }
  // Root without a user namespace makes a mount namespace too.
  return Check(
    "other namespaces", closed[0].sysctl == "user.max_mnt_namespaces" ? .failing : .missing, found,
    cost: closed.map(\.cost).connected(by: "; "),
    remedy: "the administrator sets it: sysctl "
      + closed.map { $0.sysctl + "=65536" }.connected(by: " "))
}

private func isRestricted(_ node: NodeFacts) -> Bool {
  node.sysctls["kernel.apparmor_restrict_unprivileged_userns"] == "1"
}

private func appArmor(_ node: NodeFacts) -> Check {
  guard let profile = node.appArmor else { return Check("AppArmor", .good, "off") }
  let found = "on, this process: \(profile)"
  guard isRestricted(node) else { return Check("AppArmor", .good, found) }
  let restricted = found + ", user namespaces need a profile"
  guard node.userNamespaces != 0 else { return Check("AppArmor", .good, restricted) }
  return Check(
    "AppArmor", .missing, restricted, cost: "ordinary users can run nothing",
    remedy: "the administrator loads the profile that `apus doctor --apparmor-profile` prints")
}

private func seLinux(_ node: NodeFacts) -> Check {
  guard let isEnforcing = node.seLinuxIsEnforcing else { return Check("SELinux", .good, "off") }
  guard isEnforcing else { return Check("SELinux", .good, "on, permissive: it logs and refuses nothing") }
  // It is no lack: what it costs depends on the policy and the user's role.
  return Check(
    "SELinux", .good, "on, enforcing",
    cost:
      "its policy may refuse users of confined roles namespaces and mounts, and programs files whose labels differ",
    remedy:
      "where permissions look right and a launch is refused: the administrator finds the rule by ausearch -m avc -c apus"
  )
}

private func fuse(_ node: NodeFacts) -> Check {
  let cost = "images are unpacked for each launch, slowly"
  guard let mode = node.fuseMode else {
    return Check(
      "/dev/fuse", .missing, "there is none", cost: cost,
      remedy: "the administrator loads fuse: modprobe fuse")
  }
  let found = "mode 0\(String(mode, radix: 8))"
  if node.fuseOpen != 0 {
    return Check(
      "/dev/fuse", .missing, "\(found): \(errorText(node.fuseOpen))", cost: cost,
      remedy: "the administrator makes it usable: chmod 0666 /dev/fuse (the package fuse3 does so with udev)")
  }
  if node.fuseIsReplaced {
    return Check(
      "/dev/fuse", .missing, "something else lies in its place", cost: cost,
      remedy: "the administrator shows the real one, character device 10:229, there")
  }
  // 38, ENOSYS: an interface that launches do without.
  guard node.fuseMount == 0 || node.userNamespaces != 0 || node.fuseMount == 38 else {
    return Check(
      "/dev/fuse", .failing, "\(found), mounting: \(errorText(node.fuseMount))",
      cost: "image files cannot be mounted by users", remedy: "a kernel of 4.18 or later")
  }
  return Check("/dev/fuse", .good, found)
}

private func subordinateIDs(_ node: NodeFacts) -> Check {
  func text(_ ranges: [ClosedRange<UInt32>]) -> String {
    ranges.isEmpty ? "no range" : ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.connected(by: ", ")
  }
  var found =
    "subuid: \(text(node.subordinateUsers)), subgid: \(text(node.subordinateGroups))"
    + (node.hasNewIDMap ? "" : ", no newuidmap and newgidmap")
  if node.isRoot { return Check("subordinate ids", .good, found + "; root needs none") }
  found +=
    node.fakerootUsers > 1
    ? "; --fakeroot has \(node.fakerootUsers) users: \(node.fakerootReason)"
    : "; --fakeroot has root alone: \(node.fakerootReason)"
  if !node.fakerootFaults.isEmpty {
    return Check(
      "subordinate ids", .missing, found + "; " + node.fakerootFaults.connected(by: "; "),
      cost: "those ids are not used by --fakeroot, or belong to two users",
      remedy: "the administrator mends the files: each line NAME:FIRST:COUNT, no id twice")
  }
  if node.fakerootUsers > 1 { return Check("subordinate ids", .good, found) }
  return Check(
    "subordinate ids", .missing, found,
    cost: "with --fakeroot root is the only user: no chown, no su, no apt's _apt",
    remedy:
      "the administrator installs uidmap and adds a range: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"
  )
}

private func cgroups(_ node: NodeFacts) -> Check {
  let version =
    node.hasSecondCgroups
    ? node.hasFirstCgroups ? "version 2 beside version 1" : "version 2"
    : node.hasFirstCgroups ? "version 1" : "no version is mounted"
  guard node.limitingControllers.isEmpty else {
    return Check(
      "cgroups", .good,
      version + ", containers can be limited in: " + node.limitingControllers.connected(by: ", "))
  }
  return Check(
    "cgroups", .missing, version + (node.limitRefusal.map { "; " + $0.why } ?? ""),
    cost: "limits of single containers (--memory, --cpus, --pids-limit) are refused",
    remedy: node.hasFirstCgroups || !node.hasSecondCgroups
      ? "the administrator starts the kernel with systemd.unified_cgroup_hierarchy=1"
      : node.limitRefusal?.remedy ?? "")
}

private func binfmt(_ node: NodeFacts) -> Check {
  let enabled = node.interpreters.filter(\.isEnabled)
  let registered =
    enabled.isEmpty
    ? "nothing is registered"
    : "registered: " + enabled.map { "\($0.name) (\($0.path))" }.connected(by: ", ")
  guard node.fileSystems.contains("binfmt_misc") || node.binfmtMount == 0 else {
    return Check(
      "binfmt_misc", .missing, "not known to the kernel", cost: "no programs of other architectures",
      remedy: "the administrator loads it: modprobe binfmt_misc")
  }
  if node.binfmtMount == 0 {
    return Check("binfmt_misc", .good, "\(registered); a user namespace can have its own")
  }
  let found = "\(registered); none for a user namespace: \(errorText(node.binfmtMount))"
  if !enabled.isEmpty { return Check("binfmt_misc", .good, found) }
  return Check(
    "binfmt_misc", .missing, found, cost: "no programs of other architectures",
    remedy: "a kernel of 6.7 or later, or the administrator registers an emulator (package qemu-user-static)")
}

private func programs(_ node: NodeFacts) -> Check {
  let found = NodeFacts.programNames.filter { node.programs[$0] != nil }.connected(by: ", ")
  let missing = NodeFacts.helpers.filter { helper in
    node.programs[helper.name] == nil && !(helper.isForUsers && node.isRoot)
      && helper.instead.flatMap { node.programs[$0] } == nil
  }
  guard !missing.isEmpty else { return Check("programs of other packages", .good, found) }
  return Check(
    "programs of other packages", .missing,
    (found.isEmpty ? "" : found + "; ") + "not there: " + missing.map(\.name).connected(by: ", "),
    cost: missing.map(\.cost).connected(by: "; "),
    remedy: "the administrator installs: " + missing.map(\.package).connected(by: " "))
}

private func limits(_ node: NodeFacts) -> Check {
  node.openFiles >= 1024
    ? Check("limits", .good, "\(number(node.openFiles)) open files, \(number(node.processes)) processes")
    : Check(
      "limits", .missing, "\(node.openFiles) open files", cost: "many programs need more",
      remedy: "ulimit -n 1024")
}

/// RLIM_INFINITY is the largest number there is (getrlimit(2)).
private func number(_ limit: UInt) -> String { limit == .max ? "unlimited" : "\(limit)" }
