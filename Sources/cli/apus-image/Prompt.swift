internal import Glibc
internal import Linux
internal import Model

/// Asks the user, on the terminal.
enum Prompt {
  /// A line as it is typed.
  static func line(_ question: String) throws(Failure) -> String {
    try onTerminal(question, echoes: true)
  }

  /// A line that is not shown.
  static func secret(_ question: String) throws(Failure) -> String {
    try onTerminal(question, echoes: false)
  }

  /// All of standard input, without the newline at its end.
  static func input() throws(Failure) -> String {
    var bytes: [UInt8]
    do throws(SystemCallFault) {
      bytes = try File.readAll(Descriptor.duplicate(of: 0), limit: 64 << 10, subject: "standard input")
    } catch { throw Failure(error.explanation) }
    while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
    guard !bytes.isEmpty else {
      throw Failure(
        Explanation(
          what: "cannot read the password", why: "standard input is empty",
          remedy: "pipe it in: apus registry login --password-stdin … < FILE"))
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func onTerminal(_ question: String, echoes: Bool) throws(Failure) -> String {
    let terminal: Descriptor
    do throws(SystemCallFault) { terminal = try File.open("/dev/tty", O_RDWR) } catch {
      throw Failure(
        Explanation(
          what: "cannot ask for a name and password", why: "there is no terminal",
          remedy: "give --username and --password-stdin"))
    }
    let number = terminal.number
    var before = termios()
    let isKnown = unsafe tcgetattr(number, &before) == 0
    let isChanged = !echoes && isKnown
    if isChanged {
      var quiet = before
      quiet.c_lflag &= ~tcflag_t(ECHO)
      unsafe tcsetattr(number, TCSAFLUSH, &quiet)
    }
    // Only now: what is typed as soon as the question stands there must neither be shown nor be thrown away.
    try? File.write(Array(question.utf8), to: number)
    defer {
      if isChanged {
        unsafe tcsetattr(number, TCSAFLUSH, &before)
        try? File.write([0x0A], to: number)
      }
    }
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while bytes.count < 4096, unsafe read(number, &byte, 1) == 1, byte != 0x0A { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
