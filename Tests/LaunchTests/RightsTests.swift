import Linux
import Model
import Settings
import Testing

@testable import Launch

@Suite struct RightsTests {
  static let root = User(uid: 0, gid: 0, groups: [0, 4], entry: nil)
  static let netRaw: UInt64 = 1 << 13
  static let kill: UInt64 = 1 << 5

  static func plan(
    _ user: User = root, isPrivileged: Bool = true, _ change: (inout LaunchRequest) -> Void
  ) throws(LaunchFault) -> Plan {
    var host = Facts.node()
    host.user = user
    host.isPrivileged = isPrivileged
    var image = Facts.image(targets: [:])
    image.passwd = "ann:x:1000:77:Ann:/home/ann:/bin/sh\n"
    return try planLaunch(Facts.request(change: change), settings: .init(), host: host, image: image)
  }

  @Test(arguments: [
    ("CAP_NET_RAW", netRaw), ("net_raw", netRaw), ("Cap_Net_Raw", netRaw), ("all", Capabilities.all),
    ("checkpoint_restore", 1 << 40), ("CHOWN", 1),
  ]) func `a capability has its number by any spelling`(name: String, bits: UInt64) throws {
    #expect(try Capabilities.bits([name], option: "--add-caps") == bits)
  }

  @Test func `names of capabilities come back`() {
    #expect(Capabilities.text(Self.netRaw | Self.kill) == "CAP_KILL, CAP_NET_RAW")
    #expect(Capabilities.text(0) == "none" && Capabilities.text(Capabilities.all) == "all")
  }

  @Test(arguments: ["", "CAP_", "net", "CAP_CAP_KILL", "-1"]) func `refuses a name of no capability`(
    name: String
  ) {
    #expect(throws: IsolationFault.unknownCapability(name: name, option: "--drop-caps")) {
      try Capabilities.bits([name], option: "--drop-caps")
    }
  }

  @Test func `root is left as it is unless something is asked for`() throws {
    #expect(try Self.plan { _ in }.program.rights == RightsPlan())
    #expect(try Self.plan { $0.addedCapabilities = ["kill"] }.program.rights.capabilities == nil)
    #expect(try Self.plan { $0.keepPrivileges = true }.program.rights.capabilities == nil)
  }

  @Test func `no-privs leaves what is added, and what is dropped is gone in any case`() throws {
    let some = try Self.plan {
      $0.noPrivileges = true
      $0.addedCapabilities = ["kill", "net_raw"]
      $0.droppedCapabilities = ["CAP_KILL"]
    }
    #expect(some.program.rights.capabilities == Self.netRaw)
    #expect(some.program.rights.reason == "--no-privs --add-caps --drop-caps")
    let most = try Self.plan { $0.droppedCapabilities = ["kill"] }
    #expect(most.program.rights.capabilities == Capabilities.all & ~Self.kill)
  }

  @Test func `another user has no capabilities unless they are kept`() throws {
    let other = try Self.plan { $0.security = ["uid:1000"] }.program.rights
    #expect(other.identity == RightsPlan.Identity(uid: 1000, gid: 77) && other.capabilities == 0)
    let unknown = try Self.plan { $0.security = ["uid:4711"] }.program.rights
    #expect(unknown.identity == RightsPlan.Identity(uid: 4711, gid: 4711))
    let groups = try Self.plan { $0.security = ["gid:5:6:7", "uid:8"] }.program.rights
    #expect(groups.identity == RightsPlan.Identity(uid: 8, gid: 5, groups: [6, 7]))
    let kept = try Self.plan {
      $0.security = ["uid:1000"]
      $0.keepPrivileges = true
    }
    #expect(kept.program.rights.capabilities == Capabilities.all)
    // Root in another group is still root.
    #expect(try Self.plan { $0.security = ["gid:5"] }.program.rights.capabilities == nil)
  }

  @Test(arguments: [
    "uid:", "uid:-1", "uid:4294967295", "uid:1:2", "uid", "gid:", "gid:1:", "gid:x", "user:1", "",
  ]) func `refuses what is neither a user nor groups`(word: String) {
    #expect(throws: LaunchFault.isolation(.securitySyntax(word: word))) {
      try Self.plan { $0.security = [word] }
    }
  }

  @Test func `an ordinary user cannot become another, nor keep what they do not have`() throws {
    #expect(throws: LaunchFault.isolation(.rootOnly(option: "--security"))) {
      try Self.plan(Facts.user, isPrivileged: false) { $0.security = ["uid:0"] }
    }
    #expect(throws: LaunchFault.isolation(.rootOnly(option: "--keep-privs"))) {
      try Self.plan(Facts.user, isPrivileged: false) { $0.keepPrivileges = true }
    }
    // Root of a user namespace cannot either: others are not mapped in it.
    #expect(throws: LaunchFault.isolation(.rootOnly(option: "--security"))) {
      try Self.plan(isPrivileged: false) { $0.security = ["uid:5"] }
    }
    let plan = try Self.plan(Facts.user, isPrivileged: false) { $0.droppedCapabilities = ["all"] }
    #expect(!plan.program.rights.changesProcess && plan.notices.isEmpty)
  }

  @Test func `fakeroot has root's home and the image's own passwd`() throws {
    let plan = try Self.plan(Facts.user, isPrivileged: false) { $0.fakeroot = true }
    #expect(plan.program.rights.isMappedRoot)
    #expect(plan.steps.contains { $0.step.text == "bind /home/ann at /root" })
    #expect(
      !plan.steps.contains { $0.step.text.contains("/etc/passwd") || $0.step.text.contains("/etc/group") })
    #expect(plan.program.environment.contains("HOME=/root"))
    #expect(plan.notices.filter { $0.level == .info }.count == 1)
    // The working directory keeps its place.
    #expect(plan.program.directories == ["/home/ann", "/root", "/"])
    let forRoot = try Self.plan { $0.fakeroot = true }
    #expect(!forRoot.program.rights.isMappedRoot && forRoot.notices.isEmpty)
    // It means nothing to real root, and takes nothing of what is asked for beside it.
    let other = try Self.plan {
      $0.fakeroot = true
      $0.security = ["uid:1000"]
    }
    #expect(other.program.rights.identity?.uid == 1000)
  }

  @Test func `a security module is told of a label where the kernel has it, else the word is refused`() throws
  {
    for (word, module) in [("apparmor:x", SecurityLabel.Module.appArmor), ("selinux:a:b:c:s0", .seLinux)] {
      #expect(throws: LaunchFault.isolation(.securityModule(name: module.rawValue, word: word))) {
        try Facts.plan { $0.security = [word] }
      }
      var host = Facts.node()
      host.securityModules = [module]
      let label = try Facts.plan(host: host) { $0.security = [word] }.program.rights.label
      #expect(label == SecurityLabel(module, module == .appArmor ? "x" : "a:b:c:s0"))
    }
  }

  @Test(arguments: ["apparmor:", "selinux:a b", "seccomp:", "selinux"]) func `refuses a label that is none`(
    word: String
  ) {
    #expect(throws: LaunchFault.isolation(.securitySyntax(word: word))) {
      try Facts.plan { $0.security = [word] }
    }
  }

  @Test func `the last profile counts, with what the program may do`() {
    let request = Facts.request {
      $0.security = ["seccomp:/a", "uid:0", "seccomp:/b:c"]
      $0.droppedCapabilities = ["kill"]
    }
    #expect(request.callProfile == "/b:c")
    #expect(request.capabilityNames(isRoot: false).isEmpty)
    let names = request.capabilityNames(isRoot: true)
    #expect(names.contains("CAP_CHOWN") && !names.contains("CAP_KILL"))
    let other = Facts.request {
      $0.fakeroot = true
      $0.security = ["uid:5"]
      $0.addedCapabilities = ["net_raw"]
    }
    #expect(other.capabilityNames(isRoot: false) == ["CAP_NET_RAW"])
    #expect(Facts.request().callProfile == nil)
  }
}
