internal import Codec
internal import CommandLine
internal import Conversion
internal import Linux
internal import Messages
internal import Model
internal import Reference
internal import SquashfsWriter

/// `apus build`: a SIF from a directory, another image or a reference, or a directory from an image.
func runBuild(_ parsed: Parsed, _ output: Output) -> Int32 {
  if parsed.isOn("help") {
    output.result(Help.page(parsed.command))
    return 0
  }
  let target = parsed.operands[0]
  do throws(Failure) {
    // A file may be called like a reference.
    let text = parsed.operands[1]
    let source = exists(text) ? SourceName.path(text) : try imageSource(text)
    let isPath = if case .path = source { true } else { false }
    let supply = try ImageSupply(parsed, output, beside: target, needsCache: !isPath)
    do throws(BuildFault) {
      try build(target, from: source, parsed, supply, supply.output)
    } catch { throw Failure(error.explanation) }
    supply.display.finish()
    supply.tellNotices()
    supply.display.made(target, "Build complete: \(printable(target))")
    return 0
  } catch { return output.fatal(error.explanation, exit: error.exit) }
}

private func build(
  _ target: String, from source: SourceName, _ parsed: Parsed, _ supply: ImageSupply, _ output: Output
) throws(BuildFault) {
  let replaces = parsed.isOn("force")
  if parsed.isOn("sandbox") {
    output.notice(Notice(.info, "Unpacking \(printable(parsed.operands[1]))"))
    let result =
      if case .path(let path) = source {
        try Sandbox.make(target, fromImage: path, replaces: replaces)
      } else { try Delivery(supply.options).makeSandbox(target, from: source, replaces: replaces) }
    output.notice(Notice(.verbose, "\(result.inodeCount) objects"))
    for omission in result.omissions { output.notice(Notice(.warning, printable(omission))) }
    return
  }
  output.notice(Notice(.info, "Creating SIF file..."))
  guard case .path(let path) = source else {
    return try Delivery(supply.options).makeSIF(target, from: source, replaces: replaces)
  }
  let writer = supply.words.writer
  var options = SIFBuild.Options(writer: writer)
  options.replaces = replaces
  options.architecture =
    parsed.value("arch") == nil && parsed.value("platform") == nil
    ? nil : supply.words.platform.machine
  options.time = sourceDateEpoch()
  let result = try SIFBuild.make(target, from: path, options)
  let how =
    result.isCopied
    ? "blocks taken over as they were"
    : writer.compressor.name + (writer.level.map { " of level \($0)" } ?? "")
      + " by \(writer.threads) thread\(writer.threads == 1 ? "" : "s")"
  output.notice(Notice(.verbose, "\(result.inodeCount) objects, \(result.size) bytes, \(how)"))
  for omission in result.omissions { output.notice(Notice(.warning, printable(omission))) }
}
