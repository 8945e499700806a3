internal import Conversion
internal import Glibc
internal import Model
internal import SquashfsWriter

/// `apus build`: a SIF from a directory or another image, or a directory from an image.
func runBuild(_ words: [String], _ output: Output) -> Int32 {
  let arguments: BuildArguments
  do throws(UsageProblem) { arguments = try BuildArguments(words) } catch {
    return output.fatal(
      Explanation(what: "cannot build", why: error.text, remedy: "see apus build --help"), exit: ExitCode.usage)
  }
  if arguments.isHelp {
    output.result(BuildArguments.usage)
    return 0
  }
  do throws(BuildFault) {
    try build(arguments, output)
    return 0
  } catch { return output.fatal(error.explanation) }
}

private func build(_ arguments: BuildArguments, _ output: Output) throws(BuildFault) {
  var writer = WriterOptions(compressor: arguments.compressor, level: arguments.level)
  if let threads = arguments.threads { writer.threads = threads }
  var options = SIFBuild.Options(writer: writer)
  options.replaces = arguments.force
  options.architecture = arguments.architecture
  options.time = sourceDateEpoch()
  let omissions: [String]
  if arguments.sandbox {
    output.notice(Notice(.info, "Unpacking the image"))
    omissions = try Sandbox.make(arguments.target, fromImage: arguments.source, replaces: arguments.force).omissions
  } else {
    output.notice(Notice(.info, "Creating SIF file..."))
    omissions = try SIFBuild.make(arguments.target, from: arguments.source, options).omissions
  }
  for omission in omissions { output.notice(Notice(.warning, printable(omission))) }
  output.notice(Notice(.info, "Build complete: \(printable(arguments.target))"))
}

/// SOURCE_DATE_EPOCH, in seconds since 1970 (reproducible-builds.org). What is no number is as good as none.
private func sourceDateEpoch() -> UInt32? {
  guard let text = unsafe getenv("SOURCE_DATE_EPOCH") else { return nil }
  return unsafe UInt32(String(cString: text))
}
