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
    let said: [UInt8]
    let code: Int32
    do throws(SystemCallFault) {
      let ends = try File.pipe()
      let near = Descriptor(owning: ends.read)
      let far = Descriptor(owning: ends.write)
      let child = try Process.spawn(
        Installation.imageProgram,
        ["call-filter", "\(output.level)", capabilityNames(isRoot: geteuid() == 0).connected(by: ","), path],
        environment: ["PATH=/usr/bin:/bin"], descriptors: (-1, far.number, output.messages))
      _ = consume far
      said = try File.readAll(near, limit: 1 << 20)
      code = try Process.wait(child)
    } catch {
      return output.fatal(
        Explanation(
          what: "cannot use --security \(printable("seccomp:" + path))",
          why: "\(printable(error.subject)): \(errorText(error.number))",
          remedy: "the installation is incomplete: install it anew (make install)"))
    }
    guard code == 0, said.count >= 16 else { return ExitCode.failure }
    // The first eight bytes: flags.
    let flags = said[..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    callFilter = CallFilterPlan(program: Array(said[8...]), flags: flags, source: path)
    return nil
  }
}
