internal import Model

/// An application inside an image: a folder below /scif/apps with its own run script, test and environment
/// (Scientific Filesystem). `--app NAME` selects it.
enum ImageApp {
  /// The script of the environment that selects it. Its own meaning is built in, as `script` says it.
  static let environmentScript = "95-apps.sh"

  static func folder(_ name: String) -> String { "/scif/apps/" + name }
  static func runScript(_ name: String) -> String { folder(name) + "/scif/runscript" }
  static func startScript(_ name: String) -> String { folder(name) + "/scif/startscript" }
  static func test(_ name: String) -> String { folder(name) + "/scif/test" }

  /// Whether the name can be that of a folder. Whatever else is asked for does not exist.
  static func isName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
  }

  /// What selecting it does to the environment: its programs and libraries come first, then its own scripts speak.
  static func script(_ name: String, hasPrograms: Bool, hasLibraries: Bool, environment: [String]) -> String {
    let folder = folder(name)
    let path = (hasPrograms ? folder + "/bin:" : "") + folder + ":/scif/apps/singularity"
    var text = "export SCIF_APPS=/scif/apps SCIF_APPROOT=\(ShellStub.quoted(folder))\n"
    text += "export PATH=\(ShellStub.quoted(path))\"${PATH:+:$PATH}\"\n"
    if hasLibraries {
      text +=
        "export LD_LIBRARY_PATH=\(ShellStub.quoted(folder + "/lib"))\"${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\"\n"
    }
    return text + environment.map { $0 + "\n" }.joined()
  }
}
