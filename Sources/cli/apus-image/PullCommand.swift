internal import CommandLine
internal import Conversion
internal import Messages
internal import Model
internal import Reference

/// `apus pull`: an image of a registry, an archive or a server as a SIF of the user's own.
func runPull(_ parsed: Parsed, _ output: Output) -> Int32 {
  let text = parsed.operands.last ?? ""
  do throws(Failure) {
    let source = try imageSource(text)
    if case .path = source {
      throw Failure(
        Explanation(
          what: "cannot pull \(printable(text))", why: "it is no reference",
          remedy: "write docker://\(printable(text)), or see apus help pull"), exit: ExitCode.usage)
    }
    let target = try pullTarget(parsed, source)
    let supply = try ImageSupply(parsed, output, beside: target)
    let delivery = Delivery(supply.options)
    do throws(BuildFault) {
      if parsed.isOn("sandbox") {
        let result = try delivery.makeSandbox(target, from: source, replaces: parsed.isOn("force"))
        for omission in result.omissions { output.notice(Notice(.warning, printable(omission))) }
      } else {
        try delivery.makeSIF(target, from: source, replaces: parsed.isOn("force"))
      }
    } catch { throw Failure(error.explanation) }
    supply.display.finish()
    supply.tellNotices()
    supply.display.made(target, "Pulled \(printable(text)) to \(printable(target))")
    return 0
  } catch { return output.fatal(error.explanation, exit: error.exit) }
}

/// What a text names, understood.
func imageSource(_ text: String) throws(Failure) -> SourceName {
  do throws(ReferenceFault) { return try SourceName(parsing: text) } catch {
    throw Failure(error.explanation)
  }
}

private func pullTarget(_ parsed: Parsed, _ source: SourceName) throws(Failure) -> String {
  let name: String
  if parsed.operands.count > 1 {
    name = parsed.operands[0]
  } else if let given = parsed.value("name") {
    name = given
  } else {
    do throws(ReferenceFault) {
      var made = try OutputName.of(source.resolved { path in exists(path) })
      if parsed.isOn("sandbox"), made.hasSuffix(".sif") { made.removeLast(4) }
      name = made
    } catch { throw Failure(error.explanation) }
  }
  guard let directory = parsed.value("dir"), !directory.isEmpty, !name.hasPrefix("/") else { return name }
  return directory + "/" + name
}
