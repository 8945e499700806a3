extension Challenge {
  /// The challenges in the values of all `WWW-Authenticate` headers of an answer (RFC 9110, section 11.6.1):
  /// a header may hold several, and commas divide challenges, parameters and quoted text alike. What makes no
  /// sense is passed over; headers are cut at 16 KiB and there are never more than 32 challenges.
  public static func parse(_ headers: [String]) -> [Challenge] {
    var found: [Challenge] = []
    for header in headers.prefix(32) {
      var reader = ChallengeReader(Array(header.utf8.prefix(16 << 10)))
      found += reader.challenges()
    }
    return Array(found.prefix(32))
  }

  /// The one to answer: a token before a password, a scheme known here before any other.
  public static func preferred(among challenges: [Challenge]) -> Challenge? {
    challenges.first { $0.scheme == "bearer" && !($0.parameters["realm"] ?? "").isEmpty }
      ?? challenges.first { $0.scheme == "basic" }
  }
}

private struct ChallengeReader {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  mutating func challenges() -> [Challenge] {
    var found: [Challenge] = []
    var scheme: String?
    var parameters: [String: String] = [:]
    func finish() {
      if let scheme { found.append(Challenge(scheme: scheme, parameters: parameters)) }
    }
    while next != nil {
      skip { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ",") }
      let word = token()
      guard !word.isEmpty else {
        // Nothing that begins here can be understood.
        skip { $0 != UInt8(ascii: ",") }
        continue
      }
      let afterWord = offset
      skipBlanks()
      if next == UInt8(ascii: "=") {
        offset += 1
        skipBlanks()
        let value = value()
        // A parameter before any scheme is nobody's.
        if scheme != nil, parameters[word] == nil { parameters[word] = value }
        continue
      }
      finish()
      scheme = word
      parameters = [:]
      if offset > afterWord { skipToken68() }
    }
    finish()
    return found
  }

  private mutating func skip(_ isSkipped: (UInt8) -> Bool) {
    while let byte = next, isSkipped(byte) { offset += 1 }
  }

  private mutating func skipBlanks() { skip { $0 == 0x20 || $0 == 0x09 } }

  /// A token in lower case (RFC 9110, section 5.6.2); empty where none begins.
  private mutating func token() -> String {
    let start = offset
    skip { Self.isAlphanumeric($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    return String(decoding: bytes[start..<offset], as: UTF8.self).lowercased()
  }

  /// The one datum of schemes such as Negotiate (`token68`). It ends at a comma or with the header, a
  /// parameter does not.
  private mutating func skipToken68() {
    let start = offset
    skip { Self.isAlphanumeric($0) || "-._~+/".utf8.contains($0) }
    skip { $0 == UInt8(ascii: "=") }
    skipBlanks()
    if offset == start || next != nil && next != UInt8(ascii: ",") { offset = start }
  }

  /// A quoted string without its escapes, or what stands up to the next blank or comma: servers leave quotes
  /// out around URLs, too. A string that is not closed ends with the header.
  private mutating func value() -> String {
    guard next == UInt8(ascii: "\"") else {
      let start = offset
      skip { $0 != 0x20 && $0 != 0x09 && $0 != UInt8(ascii: ",") }
      return String(decoding: bytes[start..<offset], as: UTF8.self)
    }
    offset += 1
    var text: [UInt8] = []
    while let byte = next {
      offset += 1
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\"), let escaped = next {
        text.append(escaped)
        offset += 1
      } else {
        text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
}
