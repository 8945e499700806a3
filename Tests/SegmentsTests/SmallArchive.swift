/// Writes tar archives of small files for tests (POSIX.1-1988, ustar).
enum SmallArchive {
  static func of(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    files.flatMap { header($0.name, size: $0.bytes.count) + padded($0.bytes) }
      + [UInt8](repeating: 0, count: 1024)
  }

  /// An empty file with an attribute.
  static func attributed(_ name: String, _ value: String) -> [UInt8] {
    let rest = " SCHILY.xattr.\(name)=\(value)\n"
    // Two digits, which the length counts, too.
    let record = Array("\(rest.utf8.count + 2)\(rest)".utf8)
    return header("pax", size: record.count, type: "x") + padded(record) + header("name", size: 0)
      + [UInt8](repeating: 0, count: 1024)
  }

  private static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
  }

  private static func header(_ name: String, size: Int, type: String = "0") -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, _ at: Int) {
      for (index, byte) in text.utf8.enumerated() { block[at + index] = byte }
    }
    func octal(_ value: Int, _ width: Int) -> String {
      let digits = String(value, radix: 8)
      return String(repeating: "0", count: width - digits.count) + digits
    }
    put(name, 0)
    put(octal(0o644, 7), 100)
    put(octal(0, 7), 108)
    put(octal(0, 7), 116)
    put(octal(size, 11), 124)
    put(octal(1_000_000, 11), 136)
    put("        ", 148)
    put(type, 156)
    put("ustar\u{0}00", 257)
    put(octal(block.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", 148)
    return block
  }
}

/// Numbers that look random and are the same in every run (xorshift64).
struct Pseudorandom: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
