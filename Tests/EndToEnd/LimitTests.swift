import Foundation
import Testing

/// Limits of resources: on hosts with control groups of version 1 they are refused, in words.
@Suite struct LimitTests {
  static let image = Installed.image("tiny.sif")
  static let isUnified = FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.controllers")

  @Test(
    .enabled(if: !isUnified, "this host has control groups of version 2 only"),
    arguments: [
      ["--cpus", "1.5"], ["--memory", "1G"], ["--pids-limit", "100"], ["--cpuset-cpus", "0"],
      ["--cpu-shares", "512"], ["--blkio-weight", "100"],
    ])
  func `a limit that cannot be set ends the launch with one message`(options: [String]) throws {
    for caller in Caller.allCases {
      let outcome = try Installed.execute(
        [Installed.apus, "exec"] + options + [Self.image, "true"], as: caller)
      #expect(outcome.code == 255)
      #expect(outcome.err.hasPrefix("FATAL:   cannot set the limit of \(options[0]): "), "\(outcome.err)")
      #expect(outcome.err.contains("version 1") && outcome.err.contains("Slurm"))
    }
  }

  @Test(arguments: [
    ["--cpus", "none"], ["--memory", "1X"], ["--memory-swap", "1G"], ["--pids-limit", "many"],
    ["--cpuset-cpus", "0-"], ["--cpu-shares", "1"], ["--oom-kill-disable"],
    ["--apply-cgroups", "/nonexistent.toml"],
  ]) func `a limit that makes no sense is refused by its option`(options: [String]) throws {
    let outcome = try Installed.execute(
      [Installed.apus, "exec"] + options + [Self.image, "true"], as: .user)
    #expect(outcome.code == 255 && outcome.err.contains(options[0]), "\(outcome.err)")
  }

  @Test(arguments: [
    ["--blkio-weight-device", "/nonexistent-1:10,/nonexistent-2:20"],
    ["--blkio-weight-device", "/nonexistent-1:10", "--blkio-weight-device", "/nonexistent-2:20"],
  ]) func `no device of several is forgotten`(options: [String]) throws {
    let outcome = try Installed.execute(
      [Installed.apus, "exec"] + options + [Self.image, "true"], as: .user)
    #expect(
      outcome.code == 255 && outcome.err.contains("/nonexistent-1 is no block device"), "\(outcome.err)")
  }

  static let hasCore = FileManager.default.fileExists(atPath: "/sys/fs/cgroup/unified/cgroup.procs")

  /// Version 2 without controllers, as hybrid hosts have it, in the place where it is on others: what all groups have can
  /// be limited.
  @Test(.enabled(if: hasCore, "this host has no control groups of version 2"), arguments: Caller.allCases)
  func `a group is made where one is delegated, entered, and gone after the program`(caller: Caller) throws {
    try Self.expectGroup(of: caller)
  }

  /// fuse-overlayfs is in the group of its launch.
  @Test(
    .enabled(
      if: hasCore && !Installed.isOldKernel, "this host has no control groups of version 2, or Linux < 5.2"))
  func `a group is gone after the program of an overlay in a file`() throws {
    try Self.expectGroup(of: .user) { folder in
      let made = try Installed.run("overlay", "create", folder + "/changes.img")
      #expect(made.code == 0, "\(made.err)")
      return "--overlay \(folder)/changes.img"
    }
  }

  private static func expectGroup(
    of caller: Caller, options: (_ folder: String) throws -> String = { _ in "" }
  ) throws {
    try Installed.withFolder { folder in
      let words = try options(folder)
      try Installed.write(Data("[unified]\n\"cgroup.max.depth\" = \"7\"\n".utf8), to: folder + "/limits")
      let group = "/sys/fs/cgroup/apus-test-" + UUID().uuidString.prefix(8)
      let become = caller == .user ? "setpriv --reuid apus-test --regid apus-test --init-groups" : "env"
      let owner = caller == .user ? "apus-test" : "root"
      let script = """
        mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup && mkdir \(group) && echo $$ >\(group)/cgroup.procs || exit 99
        chown -R \(owner) \(group)
        \(become) \(Installed.apus) exec --apply-cgroups \(folder)/limits \(words) \(Self.image) sh -c \
          'cd /sys/fs/cgroup$(grep ^0:: /proc/self/cgroup | /bin/busybox cut -c4-); pwd; cat cgroup.max.depth; exit 3'
        echo $?; ls -d \(group)/*/ 2>/dev/null
        echo $$ >/sys/fs/cgroup/cgroup.procs; sleep 0.2; rmdir \(group)
        """
      let outcome = try Installed.execute(
        ["/usr/bin/unshare", "-m", "/bin/sh", "-c", script], as: .root)
      let lines = outcome.line.split(separator: "\n").map(String.init)
      #expect(lines.count == 3, "\(outcome.out) \(outcome.err)")
      guard lines.count == 3 else { return }
      #expect(lines[0].hasPrefix(group + "/apus-") && lines[1...] == ["7", "3"])
    }
  }

  @Test(.enabled(if: isUnified, "this host has control groups of version 1"))
  func `a limit of root's is the group's, which goes with the container`() throws {
    let outcome = try Installed.run(
      "exec", "--pids-limit", "20", "--memory", "64M", Self.image, "sh", "-c",
      "d=/sys/fs/cgroup$(cat /proc/self/cgroup | grep -o '/.*'); cat $d/pids.max $d/memory.max; exit 3",
      as: .root)
    #expect(outcome.line == "20\n67108864" && outcome.code == 3, "\(outcome.err)")
  }
}

/// One at a time with all other tests of instances.
extension InstanceTests {
  @Test(.enabled(if: LimitTests.hasCore, "this host has no control groups of version 2"))
  func `an instance has a group of its own from its start to its end`() throws {
    try Installed.withFolder { folder in
      try Installed.write(Data("[unified]\n\"cgroup.max.depth\" = \"7\"\n".utf8), to: folder + "/limits")
      let group = "/sys/fs/cgroup/apus-test-" + UUID().uuidString.prefix(8)
      let apus = Installed.apus
      let script = """
        mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup && mkdir \(group) && echo $$ >\(group)/cgroup.procs || exit 99
        \(apus) --quiet instance start --apply-cgroups \(folder)/limits --pid-file \(folder)/pid \(LimitTests.image) limited || exit 98
        grep ^0:: /proc/$(cat \(folder)/pid)/cgroup | sed 's,.*/,,'; cat \(group)/apus-*/cgroup.max.depth
        \(apus) --quiet instance stop limited; sleep 0.5; ls -d \(group)/*/ 2>/dev/null
        echo $$ >/sys/fs/cgroup/cgroup.procs; sleep 0.2; rmdir \(group)
        """
      let outcome = try Installed.execute(
        ["/usr/bin/unshare", "-m", "/bin/sh", "-c", script], as: .root,
        environment: ["APUS_CONFIGDIR": folder])
      let lines = outcome.line.split(separator: "\n").map(String.init)
      #expect(lines.count == 2, "\(outcome.out) \(outcome.err)")
      guard lines.count == 2 else { return }
      #expect(lines[0].hasPrefix("apus-") && lines[1] == "7")
    }
  }
}
