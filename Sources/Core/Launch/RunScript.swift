/// The run script that conversion from OCI images writes: it says the entry point and the command in two assignments,
/// so it can be followed without a shell.
///
/// Recognised by its structure: the two assignments are its first commands, and it ends by evaluating the line put
/// together of them. A script changed by hand in either place is executed as it is.
struct OCIRunScript: Equatable, Sendable {
  let entryPoint: [String]
  let command: [String]

  /// nil: the script is something else.
  init?(_ script: String) {
    var lines = script.split(separator: "\n").map { line in line.drop { $0 == " " || $0 == "\t" } }
    lines.removeAll { $0.isEmpty || $0.hasPrefix("#") }
    guard lines.count >= 4, lines[0].hasPrefix("OCI_ENTRYPOINT="), lines[1].hasPrefix("OCI_CMD="),
      [
        "eval \"set ${SINGULARITY_OCI_RUN}\"", "eval \"set ${APPTAINER_OCI_RUN}\"",
        "eval \"set ${APUS_OCI_RUN}\"",
      ]
      .contains(String(lines[lines.count - 2])),
      lines[lines.count - 1] == "exec \"$@\"",
      let entryPoint = Self.words(lines[0], of: "OCI_ENTRYPOINT"),
      let command = Self.words(lines[1], of: "OCI_CMD")
    else { return nil }
    self.entryPoint = entryPoint
    self.command = command
  }

  var isEmpty: Bool { entryPoint.isEmpty && command.isEmpty }

  /// Entry point + arguments, or + command where there are none; the arguments alone where there is no entry point.
  func arguments(_ given: [String]) -> [String] { entryPoint + (given.isEmpty ? command : given) }

  /// The words in the value that `line` assigns, each in double quotes with its special characters escaped.
  private static func words(_ line: Substring, of name: String) -> [String]? {
    var shell = ShellSubset([])
    guard (try? shell.run(String(line))) != nil, shell.assignedVariables.map(\.name) == [name],
      let value = shell[name]
    else {
      return nil
    }
    var scanner = ShellScanner(value)
    var words: [String] = []
    while true {
      scanner.skipBlanks()
      guard scanner.peek != nil else { return words }
      guard scanner.peek == UInt8(ascii: "\""), let word = try? shell.word(&scanner) else { return nil }
      words.append(word.text)
    }
  }
}
