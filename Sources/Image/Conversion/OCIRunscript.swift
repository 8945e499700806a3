/// What an OCI image says about the process it starts.
public struct OCIProcess: Equatable, Sendable {
  public var entrypoint: [String]
  public var command: [String]
  /// `NAME=value`, in order.
  public var environment: [String]

  public init(entrypoint: [String] = [], command: [String] = [], environment: [String] = []) {
    self.entrypoint = entrypoint
    self.command = command
    self.environment = environment
  }

  /// The run script of such an image. Its first lines hold the words of the image in a form that runtimes read without
  /// a shell: `OCI_ENTRYPOINT='"a" "b"'`. Words of the image stay as they are; words of the user are evaluated unless
  /// SINGULARITY_NO_EVAL is set.
  public var runscript: String {
    ContainerScripts.shebang + """
      OCI_ENTRYPOINT=\(Self.single(Self.words(entrypoint)))
      OCI_CMD=\(Self.single(Self.words(command)))
      # Words of the user follow the entry point; without any, the image's own command does.
      if [ -n "${SINGULARITY_NO_EVAL:-}" ]; then
          if [ $# -eq 0 ]; then
              eval "set -- $OCI_ENTRYPOINT $OCI_CMD"
          else
              eval "set -- $OCI_ENTRYPOINT \\"\\$@\\""
          fi
      else
          OCI_WORDS=
          for word in "$@"; do
              OCI_WORDS="$OCI_WORDS \\"$word\\""
          done
          [ $# -gt 0 ] || OCI_WORDS="$OCI_CMD"
          eval "set -- $OCI_ENTRYPOINT $OCI_WORDS"
      fi
      if [ $# -eq 0 ]; then
          echo "This image names no program to run; starting a shell." >&2
          set -- /bin/sh
      fi
      exec "$@"

      """
  }

  /// `env/10-docker2singularity.sh`: the image's variables, which yield to those already set; PATH does not.
  public var environmentScript: String {
    var text = ContainerScripts.shebang
    for variable in environment {
      let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard Self.isIdentifier(name) else { continue }
      let value = Self.quoted(parts.count > 1 ? String(parts[1]) : "")
      text += name == "PATH" ? "export PATH=\(value)\n" : "export \(name)=\"${\(name):-\(value)}\"\n"
    }
    return text
  }

  private static func words(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

  /// In double quotes, meaning exactly these characters to a shell.
  static func quoted(_ word: String) -> String {
    var out = "\""
    for character in word.unicodeScalars {
      if ["\\", "\"", "`", "$"].contains(character) { out += "\\" }
      out.unicodeScalars.append(character)
    }
    return out + "\""
  }

  private static func single(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  static func isIdentifier(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return name.utf8.allSatisfy {
      $0 == 0x5F || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
    }
  }
}
