internal import Glibc
internal import Launch
internal import Linux
internal import Messages
internal import Model

extension LaunchRequest {
  /// Has `apus-image` make a filter of the profile of `--security seccomp:`, if one is named. Returns an exit code where
  /// that failed and was told.
  ///
  /// A program of its own, because it takes libseccomp, which no other launch needs.
  mutating func makeCallFilter(_ output: Output) -> Int32? {
    guard let path = callProfile else { return nil }
    let said: (code: Int32, bytes: [UInt8])
    do throws(SystemCallFault) {
      said = try Process.output(
        of: Installation.imageProgram,
        ["call-filter", "\(output.level)", capabilityNames(isRoot: geteuid() == 0).connected(by: ","), path],
        environment: ["PATH=/usr/bin:/bin"], limit: 1 << 20, seconds: nil,
        hearing: .output(errors: output.messages))
    } catch {
      return output.fatal(
        Explanation(
          what: "cannot use --security \(printable("seccomp:" + path))",
          why: "\(printable(error.subject)): \(errorText(error.number))",
          remedy: "the installation is incomplete: install it anew (make install)"))
    }
    guard said.code == 0, said.bytes.count >= 16 else { return ExitCode.failure }
    // The first eight bytes: flags.
    let flags = said.bytes[..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    callFilter = CallFilterPlan(program: Array(said.bytes[8...]), flags: flags, source: path)
    return nil
  }
}
