import Foundation
import Model
import Testing

@testable import CallFilter

@Suite struct CallProfileTests {
  static let host = ProfileHost(architecture: .amd64, capabilities: ["CAP_KILL"], kernel: [5, 10])

  static func profile(_ members: String) throws(ProfileFault) -> CallProfile {
    try CallProfile(parsing: Array(#"{"defaultAction": "SCMP_ACT_ERRNO", \#(members)}"#.utf8), for: host)
  }

  static func rules(_ rules: String) throws(ProfileFault) -> [CallProfile.Rule] {
    try profile(#""syscalls": [\#(rules)]"#).rules
  }

  @Test func `a profile says what becomes of each call`() throws {
    let profile = try Self.profile(
      """
      "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
      "flags": ["SECCOMP_FILTER_FLAG_LOG"],
      "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
        {"name": "mkdir", "action": "SCMP_ACT_KILL", "args": null},
        {"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13, "args":
          [{"index": 0, "value": 2114060288, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]}]
      """)
    #expect(profile.otherwise == .error(38) && profile.flags == 2)
    #expect(profile.architectures == ["x86_64", "x86"])
    #expect(
      profile.rules == [
        .init(names: ["read", "write"], action: .allow, conditions: []),
        .init(names: ["mkdir"], action: .killThread, conditions: []),
        .init(
          names: ["clone"], action: .error(13),
          conditions: [.init(argument: 0, comparison: .maskedEqual, value: 2_114_060_288, second: 1)]),
      ])
    #expect(try Self.profile(#""syscalls": null"#).otherwise == .error(1))
  }

  @Test(
    arguments: [
      (#""includes": {"caps": ["CAP_KILL"]}"#, true),
      (#""includes": {"caps": ["CAP_KILL", "CAP_CHOWN"]}"#, false),
      (#""includes": {"arches": ["amd64", "arm64"]}"#, true), (#""includes": {"arches": ["arm"]}"#, false),
      (#""includes": {"minKernel": "5.10"}"#, true), (#""includes": {"minKernel": "5.11"}"#, false),
      (#""includes": {"minKernel": "4.8"}"#, true), (#""excludes": {"caps": ["CAP_KILL"]}"#, false),
      (#""excludes": {"caps": ["CAP_CHOWN"]}"#, true), (#""excludes": {"arches": ["amd64"]}"#, false),
      (#""excludes": {"minKernel": "5.10"}"#, false), (#""excludes": {"minKernel": "6.0"}"#, true),
      (#""includes": {}, "excludes": {}"#, true),
    ] as [(String, Bool)])
  func `Docker's rules hold by machine, kernel and capabilities`(words: String, holds: Bool) throws {
    let rules = try Self.rules(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", \#(words)}"#)
    #expect(rules.isEmpty == !holds)
  }

  @Test func `of archMap the entry of this machine counts`() throws {
    let profile = try Self.profile(
      """
      "archMap": [{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}]
      """)
    #expect(profile.architectures == ["x86_64", "x86", "x32"])
  }

  @Test(
    arguments: [
      ("", "it is no JSON"), ("[]", "it is no JSON object"), ("{}", "no defaultAction"),
      (#"{"defaultAction": "SCMP_ACT_FLY"}"#, "SCMP_ACT_FLY is unknown"),
      (#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#, "SCMP_ACT_NOTIFY"),
      (
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "no"}]}"#,
        "action no is unknown"
      ),
      (
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ALLOW"}]}"#,
        "names no system call"
      ),
      (#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"]}]}"#, "has no action"),
      (
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [1], "action": "SCMP_ACT_ALLOW"}]}"#,
        "no text"
      ),
      (#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}}"#, "syscalls of the profile is no list"),
      (#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["x86_64"]}"#, "x86_64 is unknown"),
      (#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["FAST"]}"#, "flag FAST is unknown"),
      (#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 70000}"#, "70000"),
      (
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6}]}]}"#,
        "none of 0 to 5"
      ),
      (
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "=="}]}]}"#,
        "compares by =="
      ),
      (
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "new"}}]}"#,
        "no version"
      ),
    ] as [(String, String)]) func `refuses what is no profile, and says why`(text: String, why: String)
  {
    let fault = #expect(throws: ProfileFault.self) {
      try CallProfile(parsing: Array(text.utf8), for: Self.host)
    }
    #expect(fault?.why.contains(why) == true, "\(fault?.why ?? "")")
  }

  /// The filter of a profile, as the kernel takes it.
  static func program(_ profile: CallProfile) throws -> [UInt8] {
    let file = try #require(tmpfile())
    defer { fclose(file) }
    try CallFilter.write(profile, to: fileno(file))
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = pread(fileno(file), &bytes, bytes.count, 0)
    return Array(bytes.prefix(max(0, count)))
  }

  @Test func `a filter is made of whole instructions, and calls that nobody knows are left out`() throws {
    let rule = #"{"names": ["mkdir", "no_such_call"], "action": "SCMP_ACT_ALLOW"}"#
    let program = try Self.program(try Self.profile(#""syscalls": [\#(rule)]"#))
    #expect(program.count >= 32 && program.count % 8 == 0)
    let without = rule.replacingOccurrences(of: #", "no_such_call""#, with: "")
    #expect(try program == Self.program(try Self.profile(#""syscalls": [\#(without)]"#)))
    let twice = """
      {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
        {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}
      """
    #expect(try Self.program(try Self.profile(#""syscalls": [\#(twice)]"#)).count > 32)
  }

  @Test func `an architecture that the library does not know is refused`() throws {
    let profile = try Self.profile(#""architectures": ["SCMP_ARCH_PDP11"]"#)
    let fault = #expect(throws: ProfileFault.self) { try Self.program(profile) }
    #expect(fault?.why.contains("pdp11 is unknown") == true)
  }
}
