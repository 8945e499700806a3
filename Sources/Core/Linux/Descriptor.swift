internal import Glibc

/// An open file, owned by one variable at a time and closed when that variable goes.
///
/// The result of `close` is ignored: on Linux the number is free even after an error
/// (close(2), "Dealing with error returns").
public struct Descriptor: ~Copyable, Sendable {
  public let number: Int32

  public init(owning number: Int32) { self.number = number }

  deinit { _ = close(number) }

  /// Gives the number to somebody who will close it.
  public consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }

  /// A second descriptor of the same open file, close-on-exec.
  public func duplicate() throws(SystemCallFault) -> Descriptor { try Self.duplicate(of: number) }

  /// A second descriptor of an open file that somebody else owns, close-on-exec.
  public static func duplicate(of number: Int32) throws(SystemCallFault) -> Descriptor {
    Descriptor(owning: try retrying("fcntl") { fcntl(number, F_DUPFD_CLOEXEC, 0) })
  }
}
