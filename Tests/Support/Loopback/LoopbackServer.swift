internal import Glibc
internal import Linux
internal import Synchronization

/// A request as a server sees it.
package struct SeenRequest: Sendable {
  package var method: String
  /// Path and query as they came.
  package var target: String
  /// Names in lower case.
  package var headers: [String: String]
  package var body: [UInt8]

  package var path: String { String(target.prefix { $0 != "?" }) }
}

/// What a server answers.
package struct Reply: Sendable {
  package var status = 200
  package var headers: [(String, String)] = []
  package var body: [UInt8] = []
  /// What the head announces, where that is not the size of the body; -1: nothing, the end of the connection is the end.
  package var announced: Int?
  /// The connection ends after so many bytes of the body.
  package var cut: Int?
  /// The connection ends without any answer.
  package var isBroken = false

  /// Seconds before the answer, and between its head and its body.
  package var delay = 0.0
  package var bodyDelay = 0.0

  package static let broken = Reply(isBroken: true)

  package init(
    status: Int = 200, headers: [(String, String)] = [], body: [UInt8] = [], announced: Int? = nil,
    cut: Int? = nil, isBroken: Bool = false, delay: Double = 0, bodyDelay: Double = 0
  ) {
    self.status = status
    self.headers = headers
    self.body = body
    self.announced = announced
    self.cut = cut
    self.isBroken = isBroken
    self.delay = delay
    self.bodyDelay = bodyDelay
  }

  package static func status(_ status: Int, _ headers: [(String, String)] = [], _ text: String = "") -> Reply
  {
    Reply(status: status, headers: headers, body: Array(text.utf8))
  }
}

/// A small HTTP/1.1 server on a loopback port with a thread for each connection. It knows no TLS: whoever greets with
/// it is cut off.
package final class LoopbackServer: Sendable {
  package let port: Int
  private let listener: Int32
  private let seen = Mutex<[SeenRequest]>([])
  private let answer: @Sendable (SeenRequest, Int) -> Reply

  /// `answer` is given the request and how many came before it.
  package init(_ answer: @escaping @Sendable (SeenRequest, Int) -> Reply) throws {
    self.answer = answer
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let number = listener
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(number, __CONST_SOCKADDR_ARG(__sockaddr__: UnsafePointer($0)), size) == 0
          && listen(number, 64) == 0
          && getsockname(number, __SOCKADDR_ARG(__sockaddr__: $0), &size) == 0
      }
    }
    guard result else { throw SystemCallFault("bind", "127.0.0.1", errno) }
    port = Int(UInt16(bigEndian: address.sin_port))
    try Thread.start { [self] in accept() }
  }

  package var host: String { "127.0.0.1:\(port)" }
  package var requests: [SeenRequest] { seen.withLock { $0 } }

  /// Ends the thread that accepts.
  package func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

  private func accept() {
    while true {
      let connection = Glibc.accept(listener, __SOCKADDR_ARG(__sockaddr__: nil), nil)
      if connection < 0 { return }
      do { try Thread.start { [self] in serve(connection) } } catch { close(connection) }
    }
  }

  private func serve(_ connection: Int32) {
    defer { close(connection) }
    var pending: [UInt8] = []
    while let request = receive(connection, &pending) {
      let count = seen.withLock { seen in
        seen.append(request)
        return seen.count - 1
      }
      let reply = answer(request, count)
      guard send(reply, to: connection, isHead: request.method == "HEAD") else { return }
    }
  }

  private func receive(_ connection: Int32, _ pending: inout [UInt8]) -> SeenRequest? {
    let end = Array("\r\n\r\n".utf8)
    var headEnd = 0
    while true {
      if let first = pending.first, first == 0x16 { return nil }
      if pending.count >= 4,
        let found = (0...(pending.count - 4)).first(where: { Array(pending[$0..<$0 + 4]) == end })
      {
        headEnd = found
        break
      }
      guard more(connection, &pending) else { return nil }
    }
    let lines = String(decoding: pending[..<headEnd], as: UTF8.self).split(separator: "\r\n")
    let words = lines[0].split(separator: " ")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    pending.removeFirst(headEnd + 4)
    if headers["expect"] != nil { write(connection, Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
    let size = Int(headers["content-length"] ?? "0") ?? 0
    while pending.count < size { guard more(connection, &pending) else { return nil } }
    let body = Array(pending.prefix(size))
    pending.removeFirst(size)
    return SeenRequest(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
  }

  private func more(_ connection: Int32, _ pending: inout [UInt8]) -> Bool {
    var piece = [UInt8](repeating: 0, count: 65536)
    let count = recv(connection, &piece, piece.count, 0)
    if count <= 0 { return false }
    pending += piece[..<count]
    return true
  }

  /// False: the connection is at its end.
  private func send(_ reply: Reply, to connection: Int32, isHead: Bool) -> Bool {
    if reply.isBroken { return false }
    usleep(UInt32(reply.delay * 1e6))
    var head = "HTTP/1.1 \(reply.status) Whatever\r\n"
    for (name, value) in reply.headers { head += "\(name): \(value)\r\n" }
    let announced = reply.announced ?? reply.body.count
    if announced >= 0 { head += "Content-Length: \(announced)\r\n" } else { head += "Connection: close\r\n" }
    let body = isHead ? [] : reply.cut.map { Array(reply.body.prefix($0)) } ?? reply.body
    var first = Array((head + "\r\n").utf8)
    if reply.bodyDelay == 0 {
      first += body
    }
    guard write(connection, first) else { return false }
    if reply.bodyDelay > 0 {
      usleep(UInt32(reply.bodyDelay * 1e6))
      guard write(connection, body) else { return false }
    }
    return reply.cut == nil && announced == reply.body.count
  }

  @discardableResult
  private func write(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return false }
      done += count
    }
    return true
  }
}
