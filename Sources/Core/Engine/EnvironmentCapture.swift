internal import Glibc
internal import Linux
public import Model

/// The environment that scripts of an image leave to the program: found by running them up to a shell that waits in the
/// program's place, whose environment the kernel shows.
public enum EnvironmentCapture {
  /// The command that stands for the program: it tells its pid on one descriptor and ends when another is closed.
  public static let words = ["/bin/sh", "-c", "echo $$ >&8; read _apus <&9"]

  /// Starts `program`, whose command ends with `words`, inside the container this process is in. `processes` is an open
  /// directory of procfs, `log` takes what the scripts print. Returns `NAME=value` words.
  public static func run(
    _ program: ProgramPlan, processes: Int32, log: Int32
  ) throws(EngineFault) -> [String] {
    let activity = EngineFault.capture
    let answer: (read: Int32, write: Int32)
    let hold: (read: Int32, write: Int32)
    let child: Int32
    do throws(SystemCallFault) {
      answer = try File.pipe()
      hold = try File.pipe()
      child = try Process.fork()
    } catch { throw .setup(activity: activity, cause: error) }
    if child == 0 {
      let none = (try? File.open("/dev/null", O_RDWR))?.release() ?? log
      // Their numbers first, so that none is overwritten before it has moved.
      let moved = [fcntl(answer.write, F_DUPFD, 20), fcntl(hold.read, F_DUPFD, 20)]
      close(hold.write)
      for (from, to) in [(none, 0), (log, 1), (log, 2), (moved[0], 8), (moved[1], 9)] as [(Int32, Int32)] {
        dup2(from, to)
      }
      for number in moved { close(number) }
      let fault = Program(plan: program, trace: nil).become()
      try? File.write(Array("\(fault.explanation.why)\n".utf8), to: 8)
      _exit(fault.exitCode)
    }
    close(answer.write)
    close(hold.read)
    defer {
      close(answer.read)
      close(hold.write)
      _ = try? Process.wait(child)
    }
    let said: String
    let environment: [UInt8]?
    do throws(SystemCallFault) {
      said = try line(from: answer.read)
      environment = try Int32(said).map { pid throws(SystemCallFault) in
        try File.readAll("\(pid)/environ", limit: 16 << 20, from: processes)
      }
    } catch { throw .setup(activity: activity, cause: error) }
    guard let environment else {
      throw .environment(why: said.isEmpty ? "one of them ends the shell" : said)
    }
    return environment.split(separator: 0).map { HostText.decode(Array($0)) }
  }

  /// Up to the end of a line, or of the pipe.
  private static func line(from pipe: Int32) throws(SystemCallFault) -> String {
    var bytes: [UInt8] = []
    while bytes.count < 1024, bytes.last != UInt8(ascii: "\n") {
      var byte: UInt8 = 0
      let count = try retrying("read") { unsafe read(pipe, &byte, 1) }
      guard count > 0 else { break }
      bytes.append(byte)
    }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}
