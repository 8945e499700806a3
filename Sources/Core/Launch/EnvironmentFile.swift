internal import Model
internal import Settings

/// The files of `--env-file`: assignments in the shell's language, evaluated on the host's side. No commands are run.
enum EnvironmentFile {
  /// What the file assigns, in order. It sees the caller's variables, what it assigned before, and the path of the
  /// image as `APUS_IMAGE`.
  static func parse(
    _ text: String, path: String, variables: Variables, image: String
  ) throws(LaunchFault) -> [(name: String, value: String)] {
    var shell = ShellSubset(variables.pairs.filter { ShellSubset.isName($0.name) })
    for prefix in Variables.prefixes { shell.set(prefix + "_IMAGE", image, export: false) }
    do throws(ShellSubset.Stop) { try shell.run(text) } catch {
      if let line = openQuote(in: text) { throw .environmentFileQuote(path: path, line: line) }
      // What is missing at the end of the text is missed in its last line.
      let last = text.fields(at: UInt8(ascii: "\n")).count - (text.utf8.last == UInt8(ascii: "\n") ? 1 : 0)
      let line = min(error.line, last)
      throw .environmentFile(
        path: path,
        why:
          "line \(line) holds more than assignments, quotes and variables, and no commands are run here"
      )
    }
    return shell.assignedVariables
  }

  /// The line of a quote that is still open at the end of the text; nil where there is none.
  private static func openQuote(in text: String) -> Int? {
    var open: (byte: UInt8, line: Int)?
    var line = 1
    var before = UInt8(ascii: "\n")
    var isEscaped = false
    var isComment = false
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\n") {
        line += 1
        isComment = false
      }
      defer { before = byte }
      if isComment { continue }
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\"), open?.byte != UInt8(ascii: "'") {
        isEscaped = true
      } else if let quote = open {
        if byte == quote.byte { open = nil }
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        open = (byte, line)
      } else if byte == UInt8(ascii: "#"), before <= UInt8(ascii: " ") || before == UInt8(ascii: ";") {
        isComment = true
      }
    }
    return open?.line
  }
}
