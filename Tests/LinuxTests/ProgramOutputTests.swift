import Glibc
import Linux
import Testing

@Suite struct ProgramOutputTests {
  func output(_ script: String, input: String = "", limit: Int = 1000, seconds: Int = 5) throws -> (
    Int32, String
  ) {
    let (code, bytes) = try Process.output(
      of: "/bin/sh", ["-c", script], environment: ["PATH=/usr/bin:/bin"], input: Array(input.utf8),
      limit: limit,
      seconds: seconds)
    return (code, String(decoding: bytes, as: UTF8.self))
  }

  @Test(
    arguments: [
      ("cat; echo err >&2", "in", 0, "in"), ("exit 3", "unread", 3, ""), ("kill -9 $$", "", 137, ""),
      ("exec >&-; sleep 0.1; exit 4", "", 4, ""), ("sleep 20 & echo a", "", 0, "a\n"),
    ] as [(String, String, Int32, String)])
  func `a program's code and words come back`(script: String, input: String, code: Int32, text: String) throws
  {
    #expect(try output(script, input: input) == (code, text))
  }

  @Test(
    arguments: [("head -c 2000 /dev/zero; sleep 20", EFBIG), ("exec sleep 20", ETIMEDOUT)]
  )
  func `a program that does not end as it should is killed`(script: String, number: Int32) {
    #expect(throws: SystemCallFault("read", "/bin/sh", number)) { try output(script, seconds: 1) }
  }

  @Test func `a program that is not there is a fault`() {
    #expect(throws: SystemCallFault("execve", "/nonexistent", ENOENT)) {
      try Process.output(of: "/nonexistent", [], environment: [], input: [], limit: 1, seconds: 1)
    }
  }

  @Test func `input that fits into no pipe is refused, not waited for`() {
    #expect(throws: SystemCallFault("write", "/bin/cat", EAGAIN)) {
      try Process.output(
        of: "/bin/cat", [], environment: [], input: [UInt8](repeating: 0, count: 4 << 20), limit: 1,
        seconds: 1)
    }
  }
}
