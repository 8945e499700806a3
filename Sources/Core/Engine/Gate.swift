internal import Glibc
internal import Linux

/// Holds a child until its parent lets it go on.
struct Gate {
  private let near: Int32
  private let far: Int32

  init() throws(SystemCallFault) {
    var ends: [Int32] = [-1, -1]
    try retrying("pipe2") { unsafe pipe2(&ends, O_CLOEXEC) }
    near = ends[0]
    far = ends[1]
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
