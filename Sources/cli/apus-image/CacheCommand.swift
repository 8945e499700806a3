internal import Cache
internal import CommandLine
internal import Glibc
internal import Linux
internal import Messages
internal import Model

/// `apus cache`: what the cache holds, and making room in it.
func runCache(_ parsed: Parsed, _ output: Output) -> Int32 {
  if parsed.isOn("help") {
    output.result(Help.page(parsed.command))
    return 0
  }
  let arguments: CacheArguments
  do throws(ValueProblem) { arguments = try CacheArguments(parsed) } catch {
    return output.fatal(
      Explanation(
        what: "cannot \(parsed.command.path.last ?? "") the cache", why: printable(error.text),
        remedy: "see apus help \(parsed.command.name)"), exit: ExitCode.usage)
  }
  do throws(CacheFault) {
    let cache = try CacheDirectory.open(path: CacheLocation.path(variable))
    switch parsed.command.path.last {
    case "list": return try list(cache, arguments, output)
    case "clean": return try clean(cache, arguments, output)
    case "export":
      let references = Array(parsed.operands.dropFirst())
      let transfer = try cache.exportStore(
        to: parsed.operands[0], references: references.isEmpty ? nil : references,
        segments: parsed.isOn("segments"))
      report(transfer, "exported", arguments, output)
    default: report(try cache.importStore(from: parsed.operands[0]), "imported", arguments, output)
    }
    return 0
  } catch { return output.fatal(error.explanation) }
}

private func list(
  _ cache: CacheDirectory, _ arguments: CacheArguments, _ output: Output
) throws(CacheFault) -> Int32 {
  let entries = try cache.list(arguments.kinds)
  let listing = CacheListing(entries, tags: cache.tags())
  if arguments.json {
    output.result(listing.json(cache.path).text(indented: true) + "\n")
  } else {
    if arguments.verbose { output.result(listing.table) }
    output.result(listing.summary)
  }
  return 0
}

private func clean(
  _ cache: CacheDirectory, _ arguments: CacheArguments, _ output: Output
) throws(CacheFault) -> Int32 {
  if !arguments.force, !arguments.dryRun {
    guard isatty(0) == 1 else {
      return output.fatal(
        Explanation(
          what: "cannot clean the cache", why: "nobody can be asked: standard input is no terminal",
          remedy: "add --force to clean without being asked, or --dry-run to see what would go"))
    }
    guard confirm(arguments, output) else {
      output.notice(Notice(.info, "Nothing was removed"))
      return 0
    }
  }
  let report = try cache.clean(arguments.kinds, days: arguments.days, dryRun: arguments.dryRun)
  if arguments.json {
    output.result(CacheListing.json(report, dryRun: arguments.dryRun).text(indented: true) + "\n")
    return report.failed.isEmpty ? 0 : ExitCode.failure
  }
  if arguments.dryRun {
    output.notice(Notice(.info, "User requested a dry run. Not actually deleting any data!"))
  }
  for entry in report.removed {
    output.notice(Notice(.info, "Removing \(entry.kind.word) cache entry: \(entry.name)"))
  }
  for entry in report.inUse {
    output.notice(Notice(.info, "Keeping \(entry.kind.word) cache entry: \(entry.name): it is in use"))
  }
  for failure in report.failed {
    output.notice(
      Notice(.warning, "cannot remove \(failure.entry.name): \(failure.fault.explanation.why)"))
  }
  if report.removed.isEmpty, report.inUse.isEmpty, report.failed.isEmpty {
    output.notice(Notice(.info, "No cached files to remove at \(printable(cache.path))"))
  } else {
    let size = CacheListing.size(report.removed.totalBytes)
    let verb = arguments.dryRun ? "would be removed" : "removed"
    output.notice(
      Notice(.info, "\(CacheListing.count(report.removed.count, "entry", "entries")) \(verb), \(size)"))
  }
  return report.failed.isEmpty ? 0 : ExitCode.failure
}

private func confirm(_ arguments: CacheArguments, _ output: Output) -> Bool {
  let meant =
    arguments.days.map { "what was not used for \($0) days" }
    ?? (arguments.kinds == CacheKind.shown
      ? "everything in your cache (containers from all sources and OCI blobs)"
      : "all of these types: " + arguments.kinds.map(\.word).joined(separator: ", "))
  output.result(
    "This will delete \(meant).\n"
      + "Hint: You can see exactly what would be deleted by canceling and using the --dry-run option.\n"
      + "Do you want to continue? [y/N] ")
  let answer = readLine() ?? ""
  return ["y", "yes"].contains(answer.lowercased())
}

private func report(
  _ transfer: StoreTransfer, _ verb: String, _ arguments: CacheArguments, _ output: Output
) {
  if arguments.json {
    output.result(
      JSON.object([
        (verb, .array(transfer.copied.map { CacheListing.json($0) })),
        ("present", .array(transfer.present.map { CacheListing.json($0) })),
      ]).text(indented: true) + "\n")
    return
  }
  for entry in transfer.copied {
    output.notice(Notice(.verbose, "\(verb) \(entry.kind.word) \(entry.name)"))
  }
  let count = CacheListing.count(transfer.copied.count, "object", "objects")
  let size = CacheListing.size(transfer.copied.totalBytes)
  output.notice(
    Notice(.info, "\(count) \(verb), \(size); \(transfer.present.count) were there already"))
}
