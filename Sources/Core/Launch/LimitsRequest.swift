public import Model

/// What the options about resources say, as they were written.
public struct LimitsRequest: Equatable, Sendable {
  /// By the name of the option, without dashes.
  public var values: Lookup<String> = [:]
  /// `--oom-kill-disable`
  public var disablesKiller = false

  public init() {}

  /// Options with a value, in the order in which their limits are set.
  public static let optionNames = [
    "cpuset-cpus", "cpuset-mems", "cpus", "cpu-shares", "memory", "memory-reservation", "memory-swap",
    "pids-limit", "blkio-weight", "blkio-weight-device", "apply-cgroups",
  ]

  /// The first option given; nil: nothing is limited.
  var first: String? {
    if disablesKiller { return "--oom-kill-disable" }
    return Self.optionNames.first { values[$0] != nil }.map { "--" + $0 }
  }

  var isEmpty: Bool { values.isEmpty && !disablesKiller }

  /// What `--blkio-weight-device` names: paths of devices and weights.
  var deviceWeights: [(device: String, weight: String)] {
    (values["blkio-weight-device"] ?? "").fields(at: UInt8(ascii: ",")).filter { !$0.isEmpty }.map { entry in
      guard let colon = entry.lastIndex(of: ":") else { return (String(entry), "") }
      return (String(entry[..<colon]), String(entry[entry.index(after: colon)...]))
    }
  }
}

/// The limits of a request as files of a control group of version 2 and what they are set to. `file` is the text of
/// `--apply-cgroups`, `devices` the numbers (`8:0`) of block devices by their paths. Values are those that runtimes write for the OCI specification's resources; the scales of the old
/// interface are translated as they do it.
func limitValues(
  _ request: LimitsRequest, file: String?, devices: Lookup<String> = [:]
) throws(IsolationFault) -> [LimitsPlan.Value] {
  if request.disablesKiller {
    throw .noLimits(
      option: "--oom-kill-disable", why: "control groups of version 2 cannot switch off what ends processes")
  }
  if let path = request.values["apply-cgroups"] {
    let others = LimitsRequest.optionNames.dropLast()
    if let other = others.first(where: { request.values[$0] != nil }) {
      throw .limitsTogether(option: "--" + other)
    }
    return try LimitsFile(path: path, text: file ?? "").values
  }
  var values: [LimitsPlan.Value] = []
  var memory: Int?
  for name in LimitsRequest.optionNames {
    guard let text = request.values[name] else { continue }
    let option = LimitOption(name: "--" + name, text: text)
    switch name {
    case "cpuset-cpus": values.append(.init("cpuset.cpus", try option.set()))
    case "cpuset-mems": values.append(.init("cpuset.mems", try option.set()))
    case "cpus": values.append(.init("cpu.max", "\(try option.quota()) 100000"))
    case "cpu-shares": values.append(.init("cpu.weight", "\(cpuWeight(try option.number(2...262144)))"))
    case "memory":
      let bytes = try option.bytes()
      memory = bytes
      values.append(.init("memory.max", "\(bytes)"))
    case "memory-reservation": values.append(.init("memory.low", "\(try option.bytes())"))
    case "memory-swap":
      if text == "-1" {
        values.append(.init("memory.swap.max", "max"))
        continue
      }
      guard let memory else { throw option.fault("it needs --memory beside it, which it includes") }
      let both = try option.bytes()
      guard both >= memory else { throw option.fault("it includes --memory, and is less") }
      values.append(.init("memory.swap.max", "\(both - memory)"))
    case "pids-limit":
      let count = try option.number(-1...Int(Int32.max))
      values.append(.init("pids.max", count <= 0 ? "max" : "\(count)"))
    case "blkio-weight": values.append(.init("io.weight", "\(ioWeight(try option.number(10...1000)))"))
    default:
      for (device, weight) in request.deviceWeights {
        guard let numbers = devices[device] else {
          throw option.fault("\(printable(device)) is no block device (it is written DEVICE:WEIGHT)")
        }
        let part = LimitOption(name: option.name, text: weight)
        values.append(.init("io.weight", "\(numbers) \(ioWeight(try part.number(10...1000)))"))
      }
    }
  }
  return values
}

/// 2…262144 of version 1 as 1…10000 of version 2.
func cpuWeight(_ shares: Int) -> Int { 1 + (shares - 2) * 9999 / 262142 }

/// 10…1000 of version 1 as 1…10000 of version 2.
func ioWeight(_ weight: Int) -> Int { 1 + (weight - 10) * 9999 / 990 }

/// One option's value on its way to a number.
private struct LimitOption {
  let name: String
  let text: String

  func fault(_ why: String) -> IsolationFault { .limitSyntax(option: name, value: text, why: why) }

  func number(_ range: ClosedRange<Int>) throws(IsolationFault) -> Int {
    guard let number = Int(text), range.contains(number) else {
      throw fault("it is not a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// `512`, `512k`, `512M`, `1g`, `1GiB`: powers of 1024.
  func bytes() throws(IsolationFault) -> Int {
    let digits = text.prefix { $0 >= "0" && $0 <= "9" }
    let powers = ["", "k", "m", "g", "t", "p"]
    let unit = text.dropFirst(digits.count).lowercased()
    let letter =
      unit.hasSuffix("ib") ? String(unit.dropLast(2)) : unit.hasSuffix("b") ? String(unit.dropLast()) : unit
    // "ib" alone has no unit to be binary of.
    guard let count = Int(digits), unit != "ib", let power = powers.firstIndex(of: letter) else {
      throw fault("it is not a size such as 512M or 2G")
    }
    let (bytes, isTooMuch) = count.multipliedReportingOverflow(by: 1 << (10 * power))
    guard !isTooMuch else { throw fault("it is more than any memory") }
    // For Docker that is no limit.
    guard bytes > 0 else { throw fault("0 is no size; without a limit the option is left out") }
    return bytes
  }

  /// Microseconds of processor time in 100 ms.
  func quota() throws(IsolationFault) -> Int {
    guard let count = Double(text), count >= 0.01, count <= 65536 else {
      throw fault("it is not a number of processors from 0.01")
    }
    return Int(count * 100_000)
  }

  /// `0-3,7`
  func set() throws(IsolationFault) -> String {
    let parts = text.fields(at: UInt8(ascii: ","))
    let isList = parts.allSatisfy { part in
      let ends = part.fields(at: UInt8(ascii: "-")).map { Int($0) }
      return ends.count <= 2 && ends.allSatisfy { $0.map { $0 >= 0 } ?? false }
    }
    guard isList else { throw fault("it is not a list such as 0-3,7") }
    return text
  }
}
