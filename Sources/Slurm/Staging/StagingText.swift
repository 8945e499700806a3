/// The words in which a node says how far a copy is. Pure: the clock is handed in.
enum StagingText {
  /// `4.8 GB`; powers of 1000, as network and disk rates are given.
  static func size(_ bytes: Int) -> String { number(bytes, unit(bytes)) + " " + unit(bytes).name }

  /// `1.2/4.8 GB (25%)`, both in the unit of the larger.
  static func share(_ done: Int, of size: Int) -> String {
    let unit = unit(size)
    let percent = size > 0 ? min(100, done / max(1, size / 100)) : 100
    return "\(number(done, unit))/\(number(size, unit)) \(unit.name) (\(percent)%)"
  }

  /// `410 MB/s`
  static func rate(_ bytes: Int, seconds: Double) -> String {
    self.size(seconds > 0 ? Int(Double(bytes) / seconds) : bytes) + "/s"
  }

  static func seconds(_ seconds: Double) -> String {
    seconds < 10 ? tenths(Int((seconds * 10).rounded())) + " s" : "\(Int(seconds.rounded())) s"
  }

  private struct Unit {
    let name: String
    let bytes: Int
    /// Whether tenths say something.
    let hasTenths: Bool
  }

  private static func unit(_ bytes: Int) -> Unit {
    if bytes >= 1_000_000_000 { return Unit(name: "GB", bytes: 1_000_000_000, hasTenths: true) }
    if bytes >= 1_000_000 { return Unit(name: "MB", bytes: 1_000_000, hasTenths: false) }
    if bytes >= 1000 { return Unit(name: "kB", bytes: 1000, hasTenths: false) }
    return Unit(name: "B", bytes: 1, hasTenths: false)
  }

  private static func number(_ bytes: Int, _ unit: Unit) -> String {
    unit.hasTenths ? tenths(bytes / (unit.bytes / 10)) : "\(bytes / unit.bytes)"
  }

  private static func tenths(_ tenths: Int) -> String { "\(tenths / 10).\(tenths % 10)" }
}
