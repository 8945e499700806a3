internal import Model

/// What is kept of a container in its directory: records `name=value` that end with NUL.
public struct ContainerRecord: Equatable, Sendable {
  public var bundle: String
  public var annotations: [(name: String, value: String)]
  /// 0 while there is none.
  public var pid: Int32
  /// When the process was started, in ticks since the machine was (proc(5), /proc/PID/stat): with the pid it names one
  /// process, whatever gets the number later.
  public var startTicks: UInt64

  public init(
    bundle: String, annotations: [(name: String, value: String)], pid: Int32 = 0, startTicks: UInt64 = 0
  ) {
    self.bundle = bundle
    self.annotations = annotations
    self.pid = pid
    self.startTicks = startTicks
  }

  public static func == (left: ContainerRecord, right: ContainerRecord) -> Bool {
    left.bundle == right.bundle && left.pid == right.pid && left.startTicks == right.startTicks
      && left.annotations.elementsEqual(right.annotations, by: ==)
  }

  /// Changes when older programs would misread it.
  private static let format = "1"

  public var bytes: [UInt8] {
    var fields = [
      ("format", Self.format), ("pid", "\(pid)"), ("start", "\(startTicks)"), ("bundle", bundle),
    ]
    fields += annotations.map { ("annotation", $0.name + "=" + $0.value) }
    return fields.flatMap { HostText.bytes(of: $0.0 + "=" + $0.1) + [0] }
  }

  /// nil for what is no record, or not a whole one.
  public init?(_ bytes: [UInt8]) {
    guard bytes.last == 0 else { return nil }
    var fields: [(name: String, value: String)] = []
    for record in bytes.split(separator: 0) {
      guard let field = Self.pair(HostText.decode(Array(record))) else { return nil }
      fields.append(field)
    }
    func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
    guard value("format") == Self.format, let bundle = value("bundle"),
      let pid = value("pid").flatMap({ Int32($0) }), pid >= 0,
      let start = value("start").flatMap({ UInt64($0) })
    else { return nil }
    self.init(
      bundle: bundle,
      annotations: fields.filter { $0.name == "annotation" }.compactMap { Self.pair($0.value) }, pid: pid,
      startTicks: start)
  }

  /// Name and value of a text `name=value`.
  public static func pair(_ text: String) -> (name: String, value: String)? {
    guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    return (String(text[..<equals]), String(text[text.utf8.index(after: equals)...]))
  }
}
