internal import CommandLine
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import NodeCache
internal import NodeSetup
internal import Settings
internal import StepOptions

/// `apus slurm cache`: what the node cache of this user holds, and removing it.
func runSlurmCache(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  var named = parsed.value("node-cache")
  if named == nil, let line = SlurmSite(configuration: nil, variables).line {
    do throws(StepFault) { named = try SiteOptions(words: line.words).cacheDirectory } catch {
      return output.fatal(error.explanation)
    }
  }
  guard let directory = named else {
    return output.fatal(
      Explanation(
        what: "cannot tell where the node cache is", why: "the plugin's line names no cache_dir",
        remedy: "name it: --node-cache DIRECTORY"))
  }
  let action = parsed.operands.first ?? "list"
  do throws(NodeCacheFault) {
    switch action {
    case "list":
      let listing = try NodeCacheListing(directory)
      output.result(parsed.isOn("json") ? listing.json.text(indented: true) + "\n" : listing.text)
      return 0
    case "clean": return try clean(directory, isJSON: parsed.isOn("json"), output)
    default:
      return output.fatal(
        Explanation(
          what: "cannot \(printable(action)) the node cache", why: "it can be one of: list, clean",
          remedy: "see apus help slurm cache"), exit: ExitCode.usage)
    }
  } catch { return output.fatal(error.explanation) }
}

private func clean(_ directory: String, isJSON: Bool, _ output: Output) throws(NodeCacheFault) -> Int32 {
  guard let cache = try NodeCacheListing.existing(directory) else {
    if isJSON { output.result(JSON.object([("removed", .array([])), ("inUse", .array([]))]).text() + "\n") }
    return 0
  }
  var removed: [NodeCacheEntry] = []
  var kept: [NodeCacheEntry] = []
  for entry in try cache.entries() {
    if try cache.remove(entry.key) { removed.append(entry) } else { kept.append(entry) }
  }
  try cache.sweep()
  if isJSON {
    output.result(
      JSON.object([
        ("removed", .array(removed.map { NodeCacheListing.json($0) })),
        ("inUse", .array(kept.map { NodeCacheListing.json($0) })),
      ]).text(indented: true) + "\n")
    return 0
  }
  for entry in kept {
    output.notice(Notice(.info, "Keeping \(NodeCacheListing.name(entry)): it is in use"))
  }
  let bytes = removed.reduce(0) { $0 + $1.size }
  output.notice(
    Notice(.info, "\(removed.count) removed, \(bytes >> 20) MiB; \(kept.count) in use"))
  return 0
}

/// What a node cache holds, for people and for programs.
private struct NodeCacheListing {
  private let path: String
  private var entries: [NodeCacheEntry] = []
  private var copies: [(key: ImageKey, progress: CopyProgress)] = []

  init(_ directory: String) throws(NodeCacheFault) {
    guard let cache = try Self.existing(directory) else {
      path = directory
      return
    }
    path = cache.path
    entries = try cache.entries().reversed()
    copies = try cache.copies()
  }

  /// nil where the user has none on this node yet.
  static func existing(_ directory: String) throws(NodeCacheFault) -> NodeCache? {
    do throws(NodeCacheFault) { return try NodeCache.open(directory, makes: false) } catch {
      if case .call(_, let cause) = error, cause.number == ENOENT { return nil }
      throw error
    }
  }

  static func name(_ entry: NodeCacheEntry) -> String { printable(entry.record?.source ?? entry.key.name) }

  var text: String {
    if entries.isEmpty, copies.isEmpty { return "Nothing is cached in \(printable(path))\n" }
    var text = "SIZE         USED       STATE      IMAGE\n"
    for (_, progress) in copies {
      let share = progress.size > 0 ? progress.done * 100 / progress.size : 0
      text += Self.line(progress.size, "-", "\(share)%", printable(progress.source))
    }
    let now = time(nil)
    for entry in entries {
      let used = Self.age(max(0, now - entry.usedSeconds))
      text += Self.line(entry.size, used, entry.isInUse ? "in use" : "-", Self.name(entry))
    }
    let bytes = entries.reduce(0) { $0 + $1.size }
    return text + "\(entries.count) in \(printable(path)), \(bytes >> 20) MiB\n"
  }

  private static func line(_ size: Int, _ used: String, _ state: String, _ image: String) -> String {
    padded("\(size >> 20) MiB", 13) + padded(used, 11) + padded(state, 11) + image + "\n"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
  }

  private static func age(_ seconds: Int) -> String {
    if seconds < 3600 { return "\(seconds / 60) min" }
    return seconds < 172_800 ? "\(seconds / 3600) h" : "\(seconds / 86400) days"
  }

  var json: JSON {
    .object([
      ("path", .string(path)), ("images", .array(entries.map { Self.json($0) })),
      (
        "copying",
        .array(
          copies.map { copy in
            .object([
              ("key", .string(copy.key.name)), ("source", .string(copy.progress.source)),
              ("job", .string(copy.progress.job)), ("pid", .integer(Int(copy.progress.pid))),
              ("size", .integer(copy.progress.size)), ("done", .integer(copy.progress.done)),
            ])
          })
      ),
    ])
  }

  static func json(_ entry: NodeCacheEntry) -> JSON {
    .object([
      ("key", .string(entry.key.name)), ("size", .integer(entry.size)),
      ("source", entry.record.map { .string($0.source) } ?? .null),
      ("digest", entry.record.map { .string($0.digest) } ?? .null), ("inUse", .bool(entry.isInUse)),
      ("used", .integer(entry.usedSeconds)),
      ("copied", entry.record.map { .integer($0.copiedSeconds) } ?? .null),
    ])
  }
}
