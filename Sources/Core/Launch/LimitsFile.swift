internal import Model

/// A file of `--apply-cgroups`: the part of TOML that such files are written in, tables of keys with a number, a word in
/// quotes, or a flag.
///
/// Tables and keys are those of the OCI specification's resources. What version 2 of control groups has under another
/// name is translated; what it does not have is refused, because a limit that is silently not there is worse than none.
struct LimitsFile {
  private(set) var values: [LimitsPlan.Value] = []
  private let path: String
  private var period: Int?
  private var quota: Int?

  init(path: String, text: String) throws(IsolationFault) {
    self.path = path
    var table = ""
    for (index, raw) in text.fields(at: 0x0A).enumerated() {
      let line = Self.trimmed(Self.withoutComment(raw))
      if line.isEmpty { continue }
      if line.hasPrefix("["), line.hasSuffix("]"), !line.hasPrefix("[[") {
        table = Self.trimmed(line.dropFirst().dropLast())
        continue
      }
      guard let equals = line.firstIndex(of: "="), !line.hasPrefix("[") else {
        throw fault("line \(index + 1) is neither a table nor KEY = VALUE")
      }
      let key = Self.unquoted(Self.trimmed(line[..<equals]))
      let value = Self.unquoted(Self.trimmed(line[line.index(after: equals)...]))
      try take(table, key, value)
    }
    if let quota {
      values.append(.init("cpu.max", (quota <= 0 ? "max" : "\(quota)") + " \(period ?? 100_000)"))
    }
    guard !values.isEmpty else { throw fault("it names no limit") }
  }

  private mutating func take(_ table: String, _ key: String, _ value: String) throws(IsolationFault) {
    func number() throws(IsolationFault) -> Int {
      let digits = value.utf8.filter { $0 != UInt8(ascii: "_") }
      guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
        throw fault("\(printable(table)).\(printable(key)) is not a number")
      }
      return number
    }
    func limit(_ number: Int) -> String { number < 0 ? "max" : "\(number)" }
    switch (table, key) {
    case ("cpu", "shares"):
      values.append(.init("cpu.weight", "\(cpuWeight(min(max(try number(), 2), 262144)))"))
    case ("cpu", "quota"): quota = try number()
    case ("cpu", "period"): period = try number()
    case ("cpu", "cpus"): values.append(.init("cpuset.cpus", value))
    case ("cpu", "mems"): values.append(.init("cpuset.mems", value))
    case ("memory", "limit"): values.append(.init("memory.max", limit(try number())))
    case ("memory", "reservation"): values.append(.init("memory.low", limit(try number())))
    case ("memory", "swap"):
      let both = try number()
      guard both >= 0 else {
        values.append(.init("memory.swap.max", "max"))
        return
      }
      guard let memory = values.first(where: { $0.file == "memory.max" }).flatMap({ Int($0.text) }),
        both >= memory
      else { throw fault("memory.swap includes memory.limit, which has to stand before it and be no more") }
      values.append(.init("memory.swap.max", "\(both - memory)"))
    case ("pids", "limit"):
      let count = try number()
      values.append(.init("pids.max", count <= 0 ? "max" : "\(count)"))
    case ("blockIO", "weight"):
      values.append(.init("io.weight", "\(ioWeight(min(max(try number(), 10), 1000)))"))
    case ("unified", _) where key.utf8.contains(UInt8(ascii: ".")) && !key.utf8.contains(UInt8(ascii: "/")):
      values.append(.init(key, value))
    case ("memory", "disableOOMKiller") where value == "false": break
    default:
      throw fault(
        "control groups of version 2 have nothing for \(printable(table.isEmpty ? key : table + "." + key)),"
          + " or this version does not know it")
    }
  }

  private func fault(_ why: String) -> IsolationFault { .limitsFile(path: path, why: why) }

  /// Up to a `#` that stands outside quotes.
  private static func withoutComment(_ line: Substring) -> Substring {
    var quote: UInt8?
    for index in line.utf8.indices {
      let byte = line.utf8[index]
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
      } else if byte == UInt8(ascii: "#") {
        return line[..<index]
      }
    }
    return line
  }

  private static func trimmed(_ text: Substring) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    let bytes = Array(text.utf8)
    guard let first = bytes.firstIndex(where: { !isBlank($0) }),
      let last = bytes.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(decoding: bytes[first...last], as: UTF8.self)
  }

  private static func unquoted(_ text: String) -> String {
    guard text.utf8.count >= 2, let first = text.first, first == text.last, first == "\"" || first == "'"
    else {
      return text
    }
    return String(text.dropFirst().dropLast())
  }
}
