internal import Model

/// A file of `--apply-cgroups`: the part of TOML that such files are written in, tables of keys with a number, a word in
/// quotes, or a flag.
///
/// Tables and keys are those of the OCI specification's resources. What version 2 of control groups has under another
/// name is translated; what it does not have is refused, because a limit that is silently not there is worse than none. 0 is
/// for OCI runtimes as if the key were not there, where it would mean nothing: writers of such files count on it.
struct LimitsFile {
  private(set) var values: [LimitsPlan.Value] = []
  private let path: String
  private var period: Int?
  private var quota: Int?
  /// Keys of the entry of an array of tables (`[[blockIO.weightDevice]]`) that is being read.
  private var entry: Lookup<String> = [:]

  init(path: String, text: String) throws(IsolationFault) {
    self.path = path
    var table = ""
    var isArray = false
    for (index, raw) in text.fields(at: 0x0A).enumerated() {
      let line = Self.trimmed(Self.withoutComment(raw))
      if line.isEmpty { continue }
      if line.hasPrefix("["), line.hasSuffix("]") {
        if isArray { try takeEntry(of: table) }
        isArray = line.hasPrefix("[[") && line.hasSuffix("]]")
        table = Self.trimmed(isArray ? line.dropFirst(2).dropLast(2) : line.dropFirst().dropLast())
        if table == "devices" { throw fault(Self.aboutDevices) }
        continue
      }
      guard let equals = line.firstIndex(of: "="), !line.hasPrefix("[") else {
        throw fault("line \(index + 1) is neither a table nor KEY = VALUE")
      }
      let key = Self.unquoted(Self.trimmed(line[..<equals]))
      let value = Self.unquoted(Self.trimmed(line[line.index(after: equals)...]))
      if isArray { entry[key] = value } else { try take(table, key, value) }
    }
    if isArray { try takeEntry(of: table) }
    if let quota {
      values.append(.init("cpu.max", (quota <= 0 ? "max" : "\(quota)") + " \(period ?? 100_000)"))
    }
    guard !values.isEmpty else { throw fault("it names no limit (0 is none)") }
  }

  private static let aboutDevices =
    "control groups of version 2 have no list of devices; a container makes no device nodes in any case, and with"
    + " --contain it has none but null, zero, full, random, urandom and its terminals"

  /// Limits of one device or one size of pages: an entry of `[[blockIO.weightDevice]]`, of one of the four
  /// `[[blockIO.throttle…]]` or of `[[hugepageLimits]]`.
  private mutating func takeEntry(of table: String) throws(IsolationFault) {
    let entry = self.entry
    self.entry = [:]
    func number(_ key: String) throws(IsolationFault) -> Int {
      guard let number = entry[key].flatMap(Self.number), number >= 0 else {
        throw fault("[[\(printable(table))]] has no number \(key)")
      }
      return number
    }
    // By io.max (cgroup-v2, "IO Interface Files").
    let rates = [
      "throttleReadBpsDevice": "rbps", "throttleWriteBpsDevice": "wbps", "throttleReadIOPSDevice": "riops",
      "throttleWriteIOPSDevice": "wiops",
    ]
    if table == "hugepageLimits" {
      guard let size = entry["pagesize"] ?? entry["pageSize"],
        size.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x2F })
      else { throw fault("[[hugepageLimits]] has no pageSize such as 2MB") }
      values.append(.init("hugetlb.\(size).max", "\(try number("limit"))"))
    } else if table == "blockIO.weightDevice" {
      let device = "\(try number("major")):\(try number("minor"))"
      let weight = try number("weight")
      if weight != 0 { values.append(.init("io.weight", device + " \(Self.deviceWeight(weight))")) }
    } else if let name = rates.first(where: { "blockIO." + $0.key == table })?.value {
      values.append(
        .init("io.max", "\(try number("major")):\(try number("minor")) \(name)=\(try number("rate"))"))
    } else {
      throw fault("[[\(printable(table))]] is not known")
    }
  }

  private mutating func take(_ table: String, _ key: String, _ value: String) throws(IsolationFault) {
    func number() throws(IsolationFault) -> Int {
      guard let number = Self.number(value) else {
        throw fault("\(printable(table)).\(printable(key)) is not a number")
      }
      return number
    }
    func isSet() throws(IsolationFault) -> Bool { try number() != 0 }
    func limit(_ number: Int) -> String { number < 0 ? "max" : "\(number)" }
    switch (table, key) {
    case ("cpu", "shares"):
      guard try isSet() else { return }
      values.append(.init("cpu.weight", "\(cpuWeight(min(max(try number(), 2), 262144)))"))
    case ("cpu", "quota"): quota = try isSet() ? try number() : nil
    case ("cpu", "period"): period = try isSet() ? try number() : nil
    case ("cpu", "cpus"): values.append(.init("cpuset.cpus", value))
    case ("cpu", "mems"): values.append(.init("cpuset.mems", value))
    case ("memory", "limit"):
      if try isSet() { values.append(.init("memory.max", limit(try number()))) }
    case ("memory", "reservation"):
      if try isSet() { values.append(.init("memory.low", limit(try number()))) }
    case ("memory", "swap"):
      guard try isSet() else { return }
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
      if try isSet() { values.append(.init("io.weight", "\(Self.deviceWeight(try number()))")) }
    case ("unified", _) where key.utf8.contains(UInt8(ascii: ".")) && !key.utf8.contains(UInt8(ascii: "/")):
      values.append(.init(key, value))
    case ("memory", "disableOOMKiller") where value == "false": break
    default:
      throw fault(
        "control groups of version 2 have nothing for \(printable(table.isEmpty ? key : table + "." + key)),"
          + " or this version does not know it")
    }
  }

  private static func deviceWeight(_ number: Int) -> Int { ioWeight(min(max(number, 10), 1000)) }

  /// `10_000_000`
  private static func number(_ text: String) -> Int? {
    Int(String(decoding: text.utf8.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self))
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
