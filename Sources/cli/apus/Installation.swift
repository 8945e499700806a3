internal import Linux
internal import Model

/// Where this program is installed: everything else is found from there.
enum Installation {
  static let version = "0.1.0"

  /// The directory that holds bin, libexec and etc.
  static let prefix = ContainerPath.parent(ContainerPath.parent(program))

  static let program = (try? File.target(ofLink: "/proc/self/exe")) ?? "/usr/bin/apus"

  static var settingsFile: String { below("etc/apus/apus.conf") }

  /// Where networks of the site are described, unless apus.conf says otherwise.
  static var networkFolder: String { below("etc/apus/network") }

  static var imageProgram: String { below("libexec/apus/apus-image") }

  static var plugin: String { below("lib/apus/spank_apus.so") }

  /// A prefix of /usr has its settings in /etc (Filesystem Hierarchy Standard, section 4.1).
  private static func below(_ path: String) -> String {
    if prefix == "/usr", path.hasPrefix("etc/") { return "/" + path }
    return (prefix == "/" ? "" : prefix) + "/" + path
  }
}
