internal import Model
internal import Settings

/// Variables the user puts into the container: `APUSENV_X` and its kin, over them --env-file, over them --env.
struct InjectedVariables {
  private(set) var variables: [(name: String, value: String)] = []
  var path: String?
  var prependedPath: String?
  var appendedPath: String?

  private static let refused: Set<String> = ["HOME", "EUID", "UID", "GID", "PPID"]

  init(_ request: LaunchRequest, _ host: HostFacts, _ notices: inout [Notice]) throws(LaunchFault) {
    // The least preferred prefix first: later ones replace.
    for prefix in Variables.prefixes.reversed() {
      for (name, value) in host.variables.pairs where name.hasPrefix(prefix + "ENV_") {
        set(String(name.dropFirst(prefix.count + 4)), value, &notices)
      }
    }
    for file in host.environmentFiles {
      let parsed = try EnvironmentFile.parse(
        file.text, path: file.path, variables: host.variables, image: request.imagePath)
      for (name, value) in parsed {
        set(name, value, &notices)
      }
    }
    for text in request.environment {
      let fields: [String]
      do throws(LaunchFault) { fields = try BindGrammar.fields(text) } catch {
        guard case .mountSyntax(_, let why) = error else { throw error }
        throw .environmentSyntax(text: text, why: why)
      }
      for field in fields {
        guard let equals = field.firstIndex(of: "=") else {
          throw .environmentSyntax(text: text, why: "\"\(printable(field))\" has no =")
        }
        set(String(field[..<equals]), String(field[field.index(after: equals)...]), &notices)
      }
    }
  }

  private mutating func set(_ name: String, _ value: String, _ notices: inout [Notice]) {
    switch name {
    case "": notices.append(Notice(.warning, "ignoring a variable without a name"))
    case "PATH": path = value
    case "PREPEND_PATH": prependedPath = value
    case "APPEND_PATH": appendedPath = value
    case _ where Self.refused.contains(name):
      notices.append(
        Notice(.warning, "not setting \(name): " + (name == "HOME" ? "use --home" : "the shell does not allow it")))
    default:
      variables.removeAll { $0.name == name }
      variables.append((name, value))
    }
  }
}

/// The files of `--env-file`: assignments in the shell's language, evaluated on the host's side without commands.
enum EnvironmentFile {
  static func parse(
    _ text: String, path: String, variables: Variables, image: String
  ) throws(LaunchFault) -> [(name: String, value: String)] {
    var shell = ShellSubset(variables.pairs.filter { ShellSubset.isName($0.name) })
    for prefix in Variables.prefixes { shell.set(prefix + "_IMAGE", image, export: false) }
    let before = shell.values
    do throws(ShellSubset.Stop) { try shell.run(text) } catch {
      throw .environmentFile(path: path, why: "it has more than assignments, quotes and variables in it; commands are not executed")
    }
    return shell.order.compactMap { name in
      guard let value = shell[name], before[name] != value else { return nil }
      return (name, value)
    }
  }
}
