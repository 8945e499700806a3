internal import CommandLine
internal import Glibc
internal import Linux
internal import Model
internal import Settings

/// Where this program is installed, and what its site decides.
enum Site {
  static let version = "0.1.0"

  /// `PREFIX/libexec/apus/apus-image`: the launcher starts it by its whole path, and so may a loader of its own.
  private static var program: String {
    let name = Inheritance.arguments.first ?? ""
    return name.hasPrefix("/") ? name : (try? File.target(ofLink: "/proc/self/exe")) ?? ""
  }

  private static var prefix: String {
    ContainerPath.parent(ContainerPath.parent(ContainerPath.parent(program)))
  }

  /// A prefix of /usr has its settings in /etc (Filesystem Hierarchy Standard, section 4.1).
  private static var settingsFile: String {
    prefix == "/usr" ? "/etc/apus/apus.conf" : (prefix == "/" ? "" : prefix) + "/etc/apus/apus.conf"
  }

  static var launcher: String { (prefix == "/" ? "" : prefix) + "/bin/apus" }

  static func settings(_ parsed: Parsed) throws(SettingsFault) -> Settings {
    let named = parsed.value("config")
    return try Settings.read(named ?? settingsFile, isRequired: named != nil)
  }
}
