internal import Codec
internal import CommandLine
internal import Conversion
internal import Model
internal import SquashfsWriter

/// `apus build`: a SIF from a directory or another image, or a directory from an image.
func runBuild(_ parsed: Parsed, _ output: Output) -> Int32 {
  if parsed.isOn("help") {
    output.result(Help.page(parsed.command))
    return 0
  }
  let arguments: BuildArguments
  do throws(ValueProblem) { arguments = try BuildArguments(parsed) } catch {
    return output.fatal(
      Explanation(what: "cannot build", why: printable(error.text), remedy: "see apus help build"),
      exit: ExitCode.usage)
  }
  do throws(BuildFault) {
    try build(arguments, output)
    return 0
  } catch { return output.fatal(error.explanation) }
}

private func build(_ arguments: BuildArguments, _ output: Output) throws(BuildFault) {
  let omissions: [String]
  if arguments.sandbox {
    output.notice(Notice(.info, "Unpacking \(printable(arguments.source))"))
    let result = try Sandbox.make(
      arguments.target, fromImage: arguments.source, replaces: arguments.force)
    output.notice(Notice(.verbose, "\(result.inodeCount) objects"))
    omissions = result.omissions
  } else {
    var options = SIFBuild.Options(writer: arguments.writer)
    options.replaces = arguments.force
    options.architecture = arguments.architecture
    options.time = sourceDateEpoch()
    let writer = arguments.writer
    output.notice(Notice(.info, "Creating SIF file..."))
    let result = try SIFBuild.make(arguments.target, from: arguments.source, options)
    let how =
      result.isCopied
      ? "blocks taken over as they were"
      : writer.compressor.name + (writer.level.map { " of level \($0)" } ?? "")
        + " by \(writer.threads) thread\(writer.threads == 1 ? "" : "s")"
    output.notice(Notice(.verbose, "\(result.inodeCount) objects, \(result.size) bytes, \(how)"))
    omissions = result.omissions
  }
  for omission in omissions { output.notice(Notice(.warning, printable(omission))) }
  output.notice(Notice(.info, "Build complete: \(printable(arguments.target))"))
}

/// SOURCE_DATE_EPOCH, in seconds since 1970 (reproducible-builds.org). What is no number is as good as none.
private func sourceDateEpoch() -> UInt32? { variable("SOURCE_DATE_EPOCH").flatMap { UInt32($0) } }
