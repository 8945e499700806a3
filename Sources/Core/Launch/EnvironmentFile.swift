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
      throw .environmentFile(
        path: path,
        why:
          "line \(error.line) holds more than assignments, quotes and variables, and no commands are run here"
      )
    }
    return shell.assignedVariables
  }
}
