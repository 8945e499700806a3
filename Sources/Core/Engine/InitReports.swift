internal import Glibc
internal import Linux

/// What process 1 of a container tells the launcher outside, which cannot see it otherwise: that the program was stopped,
/// and by which signal it ended. A pipe; the launcher, which waits for signals, gets SIGIO when something is in it.
///
/// Both ends stay open for as long as their processes.
struct InitReports {
  /// A message: one byte.
  enum Message: Equatable {
    case stopped(by: Int32)
    case ended(by: Int32)

    /// Signals have numbers below 0x80.
    init(_ byte: UInt8) { self = byte < 0x80 ? .stopped(by: Int32(byte)) : .ended(by: Int32(byte & 0x7F)) }

    var byte: UInt8 {
      switch self {
      case .stopped(let signal): UInt8(signal & 0x7F)
      case .ended(let signal): UInt8(signal & 0x7F) | 0x80
      }
    }
  }

  let read: Int32
  let write: Int32

  /// To be called by the launcher.
  init() throws(SystemCallFault) {
    (read, write) = try File.pipe()
    _ = fcntl(read, F_SETOWN, getpid())
    _ = fcntl(read, F_SETFL, O_ASYNC | O_NONBLOCK)
  }

  static func tell(_ message: Message, to descriptor: Int32) {
    try? File.write([message.byte], to: descriptor)
  }

  /// What was told since the last time.
  static func messages(from descriptor: Int32) -> [Message] {
    var messages: [Message] = []
    var byte: UInt8 = 0
    while unsafe Glibc.read(descriptor, &byte, 1) == 1 { messages.append(Message(byte)) }
    return messages
  }
}
