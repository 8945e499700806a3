internal import CLinux
internal import Glibc

/// Unix sockets of the sequenced-packet kind: one message, one answer, descriptors beside the bytes (unix(7)).
public enum Socket {
  public static func make(nonBlocking: Bool = false) throws(SystemCallFault) -> Descriptor {
    let kind =
      Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
      | (nonBlocking ? Int32(SOCK_NONBLOCK.rawValue) : 0)
    return Descriptor(owning: try retrying("socket") { socket(AF_UNIX, kind, 0) })
  }

  /// One that carries bytes without borders between messages.
  public static func makeStream() throws(SystemCallFault) -> Descriptor {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return Descriptor(owning: try retrying("socket") { socket(AF_UNIX, kind, 0) })
  }

  /// Sends one datagram to whoever listens at `path`, if it can be taken at once; nobody is told whether it was.
  public static func tell(_ path: String, _ bytes: [UInt8]) {
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let number = socket(AF_UNIX, kind, 0)
    guard number >= 0 else { return }
    let plug = Descriptor(owning: number)
    do throws(SystemCallFault) {
      try connect(plug, path)
      try send(bytes, to: plug.number)
    } catch { return }
  }

  public static func pair() throws(SystemCallFault) -> (Int32, Int32) {
    var numbers: [Int32] = [-1, -1]
    let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    try retrying("socketpair") { unsafe socketpair(AF_UNIX, kind, 0, &numbers) }
    return (numbers[0], numbers[1])
  }

  public static func bind(_ socket: borrowing Descriptor, _ path: String) throws(SystemCallFault) {
    try checked(unsafe apus_unix_bind(socket.number, path), "bind", path)
  }

  public static func listen(_ number: Int32, backlog: Int32 = 4096) throws(SystemCallFault) {
    try retrying("listen") { Glibc.listen(number, backlog) }
  }

  public static func connect(_ socket: borrowing Descriptor, _ path: String) throws(SystemCallFault) {
    try checked(unsafe apus_unix_connect(socket.number, path), "connect", path)
  }

  public static func accept(_ socket: borrowing Descriptor) throws(SystemCallFault) -> Descriptor {
    Descriptor(owning: try checked(apus_accept(socket.number), "accept"))
  }

  public static func send(
    _ bytes: [UInt8], descriptors: [Int32] = [], to socket: Int32
  ) throws(SystemCallFault) {
    let result = unsafe bytes.withUnsafeBytes { buffer in
      unsafe descriptors.withUnsafeBufferPointer {
        unsafe apus_send_message(socket, buffer.baseAddress, buffer.count, $0.baseAddress, Int32($0.count))
      }
    }
    if result < 0 { throw SystemCallFault("sendmsg", "", Int32(-result)) }
  }

  /// One message of at most `limit` bytes and the descriptors beside it, which the caller owns.
  /// No bytes: the peer has gone.
  public static func receive(
    limit: Int = 4096, from socket: Int32
  ) throws(SystemCallFault) -> (bytes: [UInt8], descriptors: [Int32]) {
    var bytes = [UInt8](repeating: 0, count: limit)
    var numbers = [Int32](repeating: -1, count: 16)
    var count: Int32 = 16
    let result = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe numbers.withUnsafeMutableBufferPointer {
        unsafe apus_receive_message(socket, buffer.baseAddress, buffer.count, $0.baseAddress, &count)
      }
    }
    if result < 0 { throw SystemCallFault("recvmsg", "", Int32(-result)) }
    return (Array(bytes.prefix(result)), Array(numbers.prefix(Int(count))))
  }

  /// Who connected, as the kernel saw them then.
  public static func peer(_ socket: Int32) throws(SystemCallFault) -> (pid: Int32, uid: UInt32, gid: UInt32) {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    try checked(unsafe apus_peer_credentials(socket, &pid, &uid, &gid), "getsockopt")
    return (pid, uid, gid)
  }

  /// A pidfd of the peer: from the socket (Linux 6.5), else by its number.
  public static func peerProcess(_ socket: Int32) throws(SystemCallFault) -> Descriptor {
    let pidfd = apus_peer_pidfd(socket)
    if pidfd >= 0 { return Descriptor(owning: pidfd) }
    return try Process.pidfd(try peer(socket).pid)
  }
}
