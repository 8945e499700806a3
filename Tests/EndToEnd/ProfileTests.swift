import Foundation
import Testing

/// `--security seccomp:`, `apparmor:` and `selinux:`.
@Suite struct ProfileTests {
  static let image = Installed.image("tiny.sif")

  static func profile(_ action: String, _ names: String..., other: String = "SCMP_ACT_ALLOW") -> String {
    let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
    return #"{"defaultAction": "\#(other)", "syscalls": [{"names": [\#(list)], "action": "\#(action)"}]}"#
  }

  @Test(arguments: Caller.allCases) func `a call that a profile kills ends the program with 159`(
    caller: Caller
  ) throws {
    try Installed.withFolder { folder in
      try Installed.write(
        Data(Self.profile("SCMP_ACT_KILL_PROCESS", "mkdir", "mkdirat").utf8), to: folder + "/p.json")
      for options in [[], ["--pid"], ["--fakeroot"], ["--containall"]] {
        let word = ["--security", "seccomp:\(folder)/p.json"]
        let outcome = try Installed.execute(
          [Installed.apus, "--quiet", "exec"] + options + word + [Self.image, "mkdir", "/tmp/apus-never"],
          as: caller)
        #expect(outcome.code == 159, "\(options): \(outcome.err)")
        let shell = try Installed.execute(
          [Installed.apus, "--quiet", "exec"] + options + word + [
            Self.image, "sh", "-c", "mkdir /tmp/apus-never; kill -l $?",
          ],
          as: caller)
        #expect(shell.line.hasSuffix("SYS") || shell.line.hasSuffix("31"), "\(shell.out) \(shell.err)")
      }
      #expect(!FileManager.default.fileExists(atPath: "/tmp/apus-never"))
    }
  }

  @Test(arguments: Caller.allCases) func `a profile refuses calls, by name, argument and capability`(
    caller: Caller
  ) throws {
    let profile = """
      {"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures":
        ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}], "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
        {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]},
        {"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5, "excludes": {"caps": ["CAP_FOWNER"]}}]}
      """
    try Installed.withFolder { folder in
      try Installed.write(Data(profile.utf8), to: folder + "/p.json")
      let outcome = try Installed.run(
        "exec", "--security", "seccomp:\(folder)/p.json", Self.image, "sh", "-c",
        "mkdir /tmp/apus-never; kill -USR1 $$; kill -0 $$ && echo lives; touch \(folder)/x; chmod 600 \(folder)/x && echo changed",
        as: caller)
      #expect(outcome.err.contains("No space left on device"), "\(outcome.err)")
      #expect(outcome.err.contains("Operation not permitted"), "\(outcome.err)")
      #expect(outcome.line == (caller == .root ? "lives\nchanged" : "lives"), "\(outcome.out) \(outcome.err)")
      #expect(
        outcome.err.contains("I/O error") || outcome.err.contains("Input/output error") || caller == .root)
      let fake = try Installed.run(
        "--quiet", "exec", "-f", "--security", "seccomp:\(folder)/p.json", Self.image, "sh", "-c",
        "touch \(folder)/y; chmod 600 \(folder)/y && echo changed", as: caller)
      #expect(fake.line == "changed", "\(fake.err)")
      let explained = try Installed.run(
        "explain", "exec", "--security", "seccomp:\(folder)/p.json", Self.image, "true", as: caller)
      #expect(
        explained.out.contains("instructions made of \(folder)/p.json"), "\(explained.out) \(explained.err)")
    }
  }

  @Test(
    arguments: [
      ("", "it is no JSON"), ("{", "it is no JSON"), (#"{"defaultAction": "SCMP_ACT_FLY"}"#, "SCMP_ACT_FLY"),
      (#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_PDP11"]}"#, "pdp11"),
      ("missing", "No such file"),
    ] as [(String, String)])
  func `a profile that is none starts nothing`(text: String, why: String) throws {
    try Installed.withFolder { folder in
      if text != "missing" { try Installed.write(Data(text.utf8), to: folder + "/p.json") }
      for caller in Caller.allCases {
        let outcome = try Installed.run(
          "exec", "--security", "seccomp:\(folder)/p.json", Self.image, "touch", folder + "/started",
          as: caller)
        #expect(
          outcome.code == 255 && outcome.err.hasPrefix("FATAL:   cannot use --security seccomp:"),
          "\(outcome.err)")
        #expect(outcome.err.contains(why), "\(outcome.err)")
        #expect(outcome.err.split(separator: "\n").count == 2)
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/started"))
    }
  }

  /// Docker's form, from Debian's golang-github-containers-common.
  static let common = "/usr/share/containers/seccomp.json"

  @Test func `programs run under the profile that Podman and Buildah have`() throws {
    let script = """
      python3 -c 'import threading; t = threading.Thread(target=print, args=("thread",)); t.start(); t.join()'
      chroot / true 2>/dev/null; echo $?
      """
    for (options, chroot) in [([], "125"), (["--fakeroot"], "0"), (["--pid"], "125")] {
      let outcome = try Installed.execute(
        [Installed.apus, "--quiet", "exec"] + options + [
          "--security", "seccomp:" + Self.common, Installed.image("debian.sif"), "sh", "-c", script,
        ], as: .user)
      #expect(outcome.line == "thread\n" + chroot, "\(options) \(outcome.err)")
    }
  }

  @Test(arguments: [
    ("apparmor:x", "AppArmor", "/sys/module/apparmor/parameters/enabled"),
    ("selinux:x", "SELinux", "/sys/fs/selinux/enforce"),
  ])
  func `a label without its module starts nothing`(word: String, name: String, sign: String) throws {
    // Where the module is switched on, nobody has a profile of that name.
    let isThere = FileManager.default.fileExists(atPath: sign)
    try Installed.withFolder { folder in
      for caller in Caller.allCases {
        let outcome = try Installed.run(
          "exec", "--security", word, Self.image, "touch", folder + "/started", as: caller)
        #expect(outcome.code == 255, "\(outcome.err)")
        if !isThere {
          #expect(outcome.err.contains("\(name) is not enabled on this system"), "\(outcome.err)")
        }
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/started"))
    }
  }
}

/// One at a time with all other tests of instances.
extension InstanceTests {
  @Test func `an instance, and who enters it, can have a profile`() throws {
    try Installed.withFolder { folder in
      try Installed.write(
        Data(ProfileTests.profile("SCMP_ACT_ERRNO", "mkdir", "mkdirat").utf8), to: folder + "/p.json")
      let environment = ["APUS_CONFIGDIR": folder + "/logs"]
      func apus(_ words: String...) throws -> Outcome {
        try Installed.execute([Installed.apus] + words, as: .user, environment: environment)
      }
      try #require(apus("instance", "start", ProfileTests.image, "filtered").code == 0)
      defer { _ = try? apus("instance", "stop", "filtered") }
      let outcome = try apus(
        "exec", "--security", "seccomp:\(folder)/p.json", "instance://filtered", "mkdir", "/tmp/apus-never")
      #expect(outcome.code == 1 && outcome.err.contains("Operation not permitted"), "\(outcome.err)")
    }
  }
}
