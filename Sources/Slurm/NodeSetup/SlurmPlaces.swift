internal import Model

/// The few lines of slurm.conf that say where things are that others need (slurm.conf(5)).
public struct SlurmPlaces: Equatable, Sendable {
  /// Where slurm.conf is looked for when nobody says: as packages and the documentation have it, then copies that slurmd
  /// keeps where nodes get their configuration from the controller.
  public static let usualPlaces = [
    "/etc/slurm/slurm.conf", "/usr/local/etc/slurm.conf", "/etc/slurm-llnl/slurm.conf",
    "/opt/slurm/etc/slurm.conf", "/run/slurm/conf/slurm.conf", "/var/spool/slurmd/conf-cache/slurm.conf",
    "/var/spool/slurm/conf-cache/slurm.conf", "/var/spool/slurm/d/conf-cache/slurm.conf",
  ]

  /// Whether a slurm.conf at that path is a copy that slurmd got from the controller (slurm.conf(5), "configless").
  public static func isCopy(_ path: String) -> Bool {
    ContainerPath.isBelow(path, "/run/slurm") || ContainerPath.components(path).contains("conf-cache")
  }

  public var plugstack: String?
  public var pluginDirectories: [String] = []
  /// What is executed before each task.
  public var taskProlog: String?
  /// munge's socket, where it is not at its usual place (`AuthInfo=socket=PATH`).
  public var mungeSocket: String?
  /// Files that are read as well, relative to the directory of this one.
  public var includes: [String] = []

  public init(_ text: String) {
    for line in text.lines {
      let plain = line.fields(at: UInt8(ascii: "#")).first ?? ""
      let words = plain.split { $0 == " " || $0 == "\t" || $0 == "\r" }
      if words.count == 2, words[0].lowercased() == "include" { includes.append(String(words[1])) }
      for word in words {
        let parts = word.fields(at: UInt8(ascii: "="))
        guard parts.count > 1, !parts[1].isEmpty else { continue }
        switch parts[0].lowercased() {
        case "plugstackconfig": plugstack = String(parts[1])
        case "plugindir": pluginDirectories = parts[1].fields(at: UInt8(ascii: ":")).map(String.init)
        case "taskprolog": taskProlog = String(parts[1])
        case "authinfo" where parts.count == 3 && parts[1] == "socket":
          mungeSocket = parts[2].fields(at: UInt8(ascii: ",")).first.map { String($0) }
        default: continue
        }
      }
    }
  }

  /// Adds what another file says: a later line counts.
  public mutating func add(_ other: SlurmPlaces) {
    plugstack = other.plugstack ?? plugstack
    if !other.pluginDirectories.isEmpty { pluginDirectories = other.pluginDirectories }
    taskProlog = other.taskProlog ?? taskProlog
    mungeSocket = other.mungeSocket ?? mungeSocket
  }

  /// The path of plugstack.conf, for a slurm.conf in that directory.
  public func plugstackPath(in directory: String) -> String {
    ContainerPath.normalized(plugstack ?? "plugstack.conf", from: directory)
  }
}
