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
      let words = plain.split { Self.isBlank($0) }
      if words.count == 2, words[0].lowercased() == "include" { includes.append(String(words[1])) }
      for (key, value) in Self.pairs(plain) where !value.isEmpty {
        switch key.lowercased() {
        case "plugstackconfig": plugstack = value
        case "plugindir": pluginDirectories = value.fields(at: UInt8(ascii: ":")).map(String.init)
        case "taskprolog": taskProlog = value
        case "authinfo":
          // Several settings, separated by commas: `socket=PATH,ttl=SECONDS`.
          for setting in value.fields(at: UInt8(ascii: ",")) where setting.starts(withBytesOf: "socket=") {
            mungeSocket = String(setting.dropFirst("socket=".count))
          }
        default: continue
        }
      }
    }
  }

  private static func isBlank(_ character: Character) -> Bool {
    character == " " || character == "\t" || character == "\r"
  }

  /// `KEY=VALUE`, several on a line; blanks may stand around the first `=`, and a value with blanks in quotes.
  private static func pairs(_ line: Substring) -> [(key: String, value: String)] {
    var pairs: [(key: String, value: String)] = []
    var rest = line.drop { isBlank($0) }
    while !rest.isEmpty {
      let key = rest.prefix { $0 != "=" && !isBlank($0) }
      rest = rest.dropFirst(key.count).drop { isBlank($0) }
      guard rest.first == "=" else { continue }
      rest = rest.dropFirst().drop { isBlank($0) }
      let isQuoted = rest.first == "\""
      if isQuoted { rest = rest.dropFirst() }
      let value = isQuoted ? rest.prefix { $0 != "\"" } : rest.prefix { !isBlank($0) }
      rest = rest.dropFirst(value.count + (isQuoted ? 1 : 0)).drop { isBlank($0) }
      pairs.append((String(key), String(value)))
    }
    return pairs
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
