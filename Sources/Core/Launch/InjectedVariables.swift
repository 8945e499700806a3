internal import Model
internal import Settings

/// Variables the user puts into the container: `APUSENV_X` and its kin, over them those taken literally, over them
/// --env-file, over them --env.
struct InjectedVariables {
  struct Variable: Equatable {
    let name: String
    let value: String
    /// Where it came from, for messages.
    let source: String
    /// Whether the value is never evaluated, whatever holds for others.
    var isLiteral = false
  }

  /// Each name once, in the order of the last time it was given.
  private(set) var variables: [Variable] = []

  /// Names that change PATH and LD_LIBRARY_PATH instead of being variables themselves.
  static let pathNames = [
    "PATH", "PREPEND_PATH", "APPEND_PATH", "PREPEND_LD_LIBRARY_PATH", "APPEND_LD_LIBRARY_PATH",
  ]
  /// Names that belong to shells: assigning them is an error there.
  static let readOnly = ["EUID", "UID", "GID", "PPID"]

  /// Whether HOME is the place of a mount.
  private let isHomeShown: Bool

  init(
    _ request: LaunchRequest, _ host: HostFacts, isHomeShown: Bool, _ notices: inout [Notice]
  ) throws(LaunchFault) {
    self.isHomeShown = isHomeShown
    // The least preferred prefix first: later ones replace.
    for prefix in Variables.prefixes.reversed() {
      let start = prefix + "ENV_"
      for (name, value) in host.variables.pairs(beginningWith: start) {
        set(String(name.dropFirst(start.count)), value, from: name, &notices)
      }
    }
    for entry in request.literalVariables {
      guard let variable = HostVariable(entry) else { continue }
      set(variable.name, variable.value, from: "the caller", isLiteral: true, &notices)
    }
    for file in host.environmentFiles {
      let parsed = try EnvironmentFile.parse(
        file.text, path: file.path, variables: host.variables, image: request.imagePath)
      for (name, value) in parsed { set(name, value, from: file.path, &notices) }
    }
    for text in request.environment {
      for field in try fields(text) {
        guard let equals = field.utf8.firstIndex(of: UInt8(ascii: "=")) else {
          throw .environmentSyntax(text: text, why: "\"\(printable(field))\" has no =")
        }
        set(
          String(field[..<equals]), String(field[field.utf8.index(after: equals)...]), from: "--env", &notices
        )
      }
    }
  }

  /// The fields of one `--env`: a comma separates, a field with commas is quoted as a whole (RFC 4180).
  private func fields(_ text: String) throws(LaunchFault) -> [String] {
    do throws(LaunchFault) { return try BindGrammar.fields(text) } catch {
      guard case .mountSyntax(_, let why) = error else { throw error }
      throw .environmentSyntax(text: text, why: why)
    }
  }

  private mutating func set(
    _ name: String, _ value: String, from source: String, isLiteral: Bool = false, _ notices: inout [Notice]
  ) {
    if name.isEmpty {
      notices.append(Notice(.warning, "ignoring a variable without a name (\(printable(source)))"))
    } else if !ShellSubset.isName(name) {
      notices.append(
        Notice(
          .warning, "not setting \(printable(name)) (\(printable(source))): that is no name for a variable"))
    } else if name == "HOME", isHomeShown {
      notices.append(Notice(.warning, "not setting HOME (\(printable(source))): use --home"))
    } else if Self.readOnly.contains(name) || isOurs(name) {
      notices.append(
        Notice(.warning, "not setting \(name) (\(printable(source))): its value is fixed in a container"))
    } else {
      if let index = variables.firstIndex(where: { $0.name == name }) {
        let old = variables.remove(at: index)
        if old.value != value {
          notices.append(
            Notice(
              source.hasPrefix("APUSENV_") ? .verbose : .warning,
              "\(name) of \(printable(old.source)) is replaced by that of \(printable(source))"))
        }
      }
      variables.append(Variable(name: name, value: value, source: source, isLiteral: isLiteral))
    }
  }

  /// Whether the variable tells the container about itself.
  private func isOurs(_ name: String) -> Bool {
    Variables.prefixes.contains {
      name == $0 + "_NAME" || name == $0 + "_CONTAINER" || name == $0 + "_COMMAND"
        || name == $0 + "_INSTANCE"
    }
  }
}
