internal import Glibc
internal import Linux

/// How a server learns that a program it gave a mount to has ended.
///
/// By a pidfd it is told. Kernels without them (before Linux 5.3) leave the number of the process, which is asked for now
/// and then: the connection says nothing, because the launch closes it by becoming its program.
enum ProgramWatch {
  /// Readable once the program has ended. Owned.
  case descriptor(Int32)
  case number(Int32)

  /// Seconds between two questions for numbers.
  static let pause = 0.25

  /// Who is at the other end of a connection; nil where the kernel does not say.
  init?(peerOf connection: Int32) {
    if let pidfd = try? Socket.peerProcess(connection) {
      self = .descriptor(pidfd.release())
    } else if let peer = try? Socket.peer(connection) {
      self = .number(peer.pid)
    } else {
      return nil
    }
  }

  /// `ready`: descriptors that are readable. A number that somebody else has by now is not the program any more.
  func hasEnded(_ ready: Set<Int32>) -> Bool {
    switch self {
    case .descriptor(let number): ready.contains(number)
    case .number(let pid): kill(pid, 0) != 0
    }
  }

  var descriptor: Int32? { if case .descriptor(let number) = self { number } else { nil } }
}
