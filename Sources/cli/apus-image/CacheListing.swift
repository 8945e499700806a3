internal import Cache
internal import Content
internal import Glibc
internal import Linux
internal import Model

/// What the cache holds, as text that Apptainer's users know, and as JSON.
struct CacheListing {
  private let entries: [CacheEntry]
  private let tags: [TagRecord]

  init(_ entries: [CacheEntry], tags: [TagRecord]) {
    self.entries = entries
    self.tags = tags
  }

  /// The lines that `apptainer cache list` prints, and one with our own types.
  var summary: String {
    let images = entries.filter { $0.kind == .images }
    let others = entries.filter { $0.kind != .images }
    let types = CacheKind.shown.compactMap { kind -> String? in
      let these = entries.filter { $0.kind == kind }
      return these.isEmpty ? nil : "\(kind.rawValue) \(these.count) (\(Self.size(these.totalBytes)))"
    }
    return """
      There are \(images.count) container file(s) using \(Self.size(images.totalBytes)) and \(others.count) oci blob \
      file(s) using \(Self.size(others.totalBytes)) of space
      Total space used: \(Self.size(entries.totalBytes))

      """ + (types.isEmpty ? "" : "By type: " + types.joined(separator: ", ") + "\n")
  }

  /// One line an entry: name, time of last use, size, type, and what references lead to it.
  var table: String {
    var out = Self.row("NAME", "LAST USED", "SIZE", "TYPE", "REFERENCE")
    for entry in entries {
      let name = entry.name.count > 22 ? String(entry.name.prefix(22)) : entry.name
      out += Self.row(
        name, Self.time(entry.usedSeconds), Self.size(entry.bytes), entry.kind.word,
        references(entry).map { printable($0) }.joined(separator: " "))
    }
    return out + "\n"
  }

  private static func row(_ columns: String...) -> String {
    var line = ""
    for (text, width) in zip(columns, [24, 22, 14, 10, 0]) {
      line += text + String(repeating: " ", count: max(1, width - text.count))
    }
    while line.last == " " { line.removeLast() }
    return line + "\n"
  }

  private func references(_ entry: CacheEntry) -> [String] {
    var references: [String] = []
    for tag in tags {
      let leadsThere =
        switch entry.kind {
        case .images: tag.image == entry.name
        case .manifests: tag.digest.hex == entry.name
        case .tags: tag.fileName == entry.name
        default: false
        }
      // One for several platforms is told once.
      if leadsThere, references.last != tag.reference { references.append(tag.reference) }
    }
    return references
  }

  func json(_ directory: String) -> JSON {
    .object([
      ("directory", .string(directory)), ("count", .integer(entries.count)),
      ("bytes", .integer(entries.totalBytes)),
      (
        "types",
        .array(
          CacheKind.shown.map { kind in
            let these = entries.filter { $0.kind == kind }
            return .object([
              ("type", .string(kind.word)), ("count", .integer(these.count)),
              ("bytes", .integer(these.totalBytes)),
            ])
          })
      ),
      (
        "entries",
        .array(
          entries.map { entry in
            .object(Self.members(entry) + [("references", .array(references(entry).map { .string($0) }))])
          })
      ),
    ])
  }

  static func json(_ report: CleanReport, dryRun: Bool) -> JSON {
    .object([
      ("dryRun", .bool(dryRun)), ("bytes", .integer(report.removed.totalBytes)),
      ("removed", .array(report.removed.map { json($0) })),
      ("inUse", .array(report.inUse.map { json($0) })),
      (
        "failed",
        .array(
          report.failed.map { .object(members($0.entry) + [("why", .string($0.fault.explanation.why))]) })
      ),
    ])
  }

  static func json(_ entry: CacheEntry) -> JSON { .object(members(entry)) }

  private static func members(_ entry: CacheEntry) -> [(String, JSON)] {
    [
      ("type", .string(entry.kind.word)), ("name", .string(entry.name)), ("bytes", .integer(entry.bytes)),
      ("usedSeconds", .integer(entry.usedSeconds)),
    ]
  }

  static func count(_ count: Int, _ one: String, _ many: String) -> String {
    "\(count) \(count == 1 ? one : many)"
  }

  /// With two decimals, as Apptainer writes sizes.
  static func size(_ bytes: Int) -> String {
    let (unit, shift) = bytes < 1 << 20 ? ("KiB", 10) : bytes < 1 << 30 ? ("MiB", 20) : ("GiB", 30)
    let whole = bytes >> shift
    let hundredths = ((bytes & ((1 << shift) - 1)) * 100) >> shift
    return "\(whole).\(hundredths < 10 ? "0" : "")\(hundredths) \(unit)"
  }

  /// Local time, `2006-01-02 15:04:05`.
  private static func time(_ seconds: Int) -> String {
    var moment = time_t(seconds)
    var parts = unsafe tm()
    unsafe localtime_r(&moment, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let count = unsafe strftime(&text, text.count, "%Y-%m-%d %H:%M:%S", &parts)
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
