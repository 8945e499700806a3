internal import CommandLine
internal import ImageMount
internal import Launch
internal import Messages
internal import Model

/// `apus inspect`: what an image says of itself. Reads the file; starts nothing and mounts nothing.
func runInspect(_ parsed: Parsed, _ output: Output) -> Int32 {
  if let refusal = unsupportedReference(parsed.operands[0]) { return output.fatal(refusal) }
  var attributes: [(String, JSON)]
  do throws(ImageFault) { attributes = try inspection(parsed.operands[0]) } catch {
    return output.fatal(error.explanation)
  }
  let apps = attributes.last { $0.0 == "apps" }?.1.members ?? []
  var wanted = sections.filter { parsed.isOn($0.option) }.map(\.attribute)
  if parsed.isOn("all") { wanted = sections.map(\.attribute) + ["apps"] }
  if parsed.isOn("list-apps") {
    if !parsed.isOn("json") {
      output.result(apps.map { printable($0.0) + "\n" }.joined())
      return 0
    }
    wanted.append("apps")
  }
  if wanted.isEmpty { wanted = ["labels"] }
  let app = parsed.value("app")
  if let app {
    guard let found = apps.last(where: { $0.0 == app }) else { return missing(app, output) }
    attributes = found.1.members
  }
  if parsed.isOn("json") || parsed.isOn("all") {
    var shown = attributes.filter { wanted.contains($0.0) }
    if let app, !shown.isEmpty { shown = [("apps", .object([(app, .object(shown))]))] }
    output.result(ImageDescription.document(shown).text(indented: true) + "\n")
    return 0
  }
  for name in wanted {
    if let value = attributes.last(where: { $0.0 == name })?.1 {
      show(value, of: name, output)
    } else if name != "labels" {
      output.notice(Notice(.info, "the \(app == nil ? "image" : "application") has no \(name)"))
    }
  }
  return 0
}

/// `apus run-help`: the help text of an image or of an application in it.
func runHelpOfImage(_ parsed: Parsed, _ output: Output) -> Int32 {
  if let refusal = unsupportedReference(parsed.operands[0]) { return output.fatal(refusal) }
  var attributes: [(String, JSON)]
  do throws(ImageFault) { attributes = try inspection(parsed.operands[0]) } catch {
    return output.fatal(error.explanation)
  }
  if let app = parsed.value("app") {
    let apps = attributes.last { $0.0 == "apps" }?.1.members ?? []
    guard let found = apps.last(where: { $0.0 == app }) else { return missing(app, output) }
    attributes = found.1.members
  }
  guard let text = attributes.last(where: { $0.0 == "helpfile" })?.1.text else {
    output.result("No help sections were defined for this image\n")
    return 0
  }
  output.result(lines(text))
  return 0
}

/// An application that the image does not have: as `run --app` says it.
private func missing(_ app: String, _ output: Output) -> Int32 {
  output.fatal(LaunchFault.appMissing(name: app).explanation, exit: ExitCode.usage)
}

/// In the order in which they are printed, which is Apptainer's.
private let sections: [(option: String, attribute: String)] = [
  ("deffile", "deffile"), ("runscript", "runscript"), ("startscript", "startscript"), ("test", "test"),
  ("helpfile", "helpfile"), ("environment", "environment"), ("labels", "labels"),
]

private func show(_ value: JSON, of name: String, _ output: Output) {
  switch value {
  case .string(let text): output.result(lines(text))
  case .object(let members) where name == "labels":
    for (label, value) in members { output.result("\(printable(label)): \(printable(value.text ?? ""))\n") }
  case .object(let members):
    for (path, value) in members {
      output.result("=== \(printable(path)) ===\n" + lines(value.text ?? "") + "\n")
    }
  default: break
  }
}

/// Text of an image, line by line safe to print.
private func lines(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map {
    $0.split(separator: "\t", omittingEmptySubsequences: false).map { printable(String($0)) }.joined(
      separator: "\t")
  }.joined(separator: "\n") + (text.hasSuffix("\n") ? "" : "\n")
}
