internal import Glibc
internal import Linux

/// Holds a child until its parent lets it go on.
struct Gate {
  private let near: Int32
  private let far: Int32

  init() throws(SystemCallFault) {
    (near, far) = try File.pipe()
  }

  /// In the parent.
  func open() {
    close(near)
    close(far)
  }

  /// In the child: returns when the parent has opened the gate, or is gone.
  func pass() {
    close(far)
    var byte: UInt8 = 0
    while unsafe read(near, &byte, 1) < 0, errno == EINTR { continue }
    close(near)
  }
}
