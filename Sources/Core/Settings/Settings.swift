public import Model

/// What an administrator decides: etc/apus/apus.conf, read once a launch. A missing file means the defaults.
///
/// `key = value`, a line each, `#` begins a comment. Keys that mean the same have the names Apptainer gives them, so
/// that lines can be copied.
public struct Settings: Equatable, Sendable {
  public enum DeviceMount: Equatable, Sendable { case yes, no, minimal }
  public enum LaunchLog: String, Equatable, Sendable { case off, syslog, journald }

  /// `memory fs type`: the file system that a launch keeps things of its own in.
  public enum MemoryType: String, Equatable, Sendable { case tmpfs, ramfs }

  /// `bind path`: paths of the host shown in every container, `SOURCE[:TARGET]`.
  public var bindPaths = ["/etc/localtime", "/etc/hosts"]
  public var mountsHome = true
  public var mountsTemporary = true
  public var mountsProc = true
  public var mountsSys = true
  /// `mount devpts`: terminals of its own in a minimal /dev.
  public var mountsTerminals = true
  public var deviceMount = DeviceMount.yes
  /// `mount hostfs`: every file system of the host at its place.
  public var mountsHostFileSystems = false
  /// `mount slave`: what the host mounts later appears in binds of containers that run.
  public var receivesMounts = true
  public var allowsUserBinds = true
  /// `enable overlay`
  public var usesOverlay = true
  /// `limit container paths`: directories that images must lie in; none: any.
  public var limitedPaths: [String] = []
  /// `limit container owners`: names or numbers of users whom images must belong to; none: any.
  public var limitedOwners: [String] = []
  /// `limit container groups`: likewise.
  public var limitedGroups: [String] = []
  public var allowsSIF = true
  public var allowsSquashfs = true
  public var allowsDirectories = true
  public var writesPasswd = true
  public var writesGroup = true
  public var writesResolverConfiguration = true
  /// `sessiondir max size`, in bytes; nil: an eighth of the memory the launch may use, at least 64 MiB.
  public var sessionBytes: Int?
  public var memoryType = MemoryType.tmpfs
  /// `mount linger`, in seconds: how long an image server waits for the next launch.
  public var lingerSeconds = 5.0
  /// `mount timeout`, in seconds: how long a launch waits for a server's answer.
  public var patienceSeconds = 10.0
  /// `shared mount`
  public var sharesMounts = true
  /// `image store`: directories with images that are looked up before any host is asked.
  public var imageStores: [String] = []
  /// `cache max size`, in bytes; nil: no limit.
  public var cacheBytes: Int?
  /// `tag ttl`, in seconds: how long what a tag points to is taken for true when a program is run.
  public var tagSeconds = 600
  /// `library uri`: where `library://` images are; nil: nowhere.
  public var libraryURI: String?
  /// `image compressor`, `NAME[:LEVEL]`; nil: gzip.
  public var compressor: String?
  /// `cni configuration path`: where networks of the site are described.
  public var networkFolder = ""
  /// `cni plugin path`: directories with the plugins that connect them.
  public var networkPlugins = ["/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin"]
  /// Where a line lets users have networks, which it cannot: nothing of ours is set-uid.
  public var networkPermission: String?
  /// `log launches`: who is told of each launch.
  public var launchLog = LaunchLog.off
  public var notices: [Notice] = []

  public init() {}

  /// Reads the text of a file. `path` is for messages.
  public init(parsing text: String, path: String) throws(SettingsFault) {
    var reader = SettingsReader(path: path)
    for line in SettingsLine.all(of: text) { try reader.take(line) }
    self = reader.settings
    notices = reader.findings.map { $0.notice(path) }
  }

  /// Keys whose values add up over several lines.
  static let lists = [
    "bind path", "image store", "limit container paths", "limit container owners", "limit container groups",
  ]

  /// Returns whether there is a setting of that name.
  mutating func set(
    _ key: String, _ value: String, _ place: SettingsFault.Place
  ) throws(SettingsFault) -> Bool {
    switch key {
    case "bind path": if !value.isEmpty { bindPaths.append(value) }
    case "image store": imageStores += try Self.paths(value, key, place)
    case "limit container paths": limitedPaths += try Self.paths(value, key, place)
    case "limit container owners": limitedOwners += SettingsLine.items(of: value)
    case "limit container groups": limitedGroups += SettingsLine.items(of: value)
    case "allow container sif": allowsSIF = try Self.boolean(value, key, place)
    case "allow container squashfs": allowsSquashfs = try Self.boolean(value, key, place)
    case "allow container dir": allowsDirectories = try Self.boolean(value, key, place)
    case "enable overlay":
      // Apptainer's words for which overlay is taken: here it is the kernel's or none.
      usesOverlay = ["try", "driver"].contains(value) ? true : try Self.boolean(value, key, place)
    case "mount hostfs": mountsHostFileSystems = try Self.boolean(value, key, place)
    case "mount slave": receivesMounts = try Self.boolean(value, key, place)
    case "memory fs type":
      guard let type = MemoryType(rawValue: value) else {
        throw .value(place, key: key, value: value, expected: "tmpfs or ramfs")
      }
      memoryType = type
    case "mount home": mountsHome = try Self.boolean(value, key, place)
    case "mount tmp": mountsTemporary = try Self.boolean(value, key, place)
    case "mount proc": mountsProc = try Self.boolean(value, key, place)
    case "mount sys": mountsSys = try Self.boolean(value, key, place)
    case "mount devpts": mountsTerminals = try Self.boolean(value, key, place)
    case "mount dev":
      deviceMount = value == "minimal" ? .minimal : try Self.boolean(value, key, place) ? .yes : .no
    case "user bind control": allowsUserBinds = try Self.boolean(value, key, place)
    case "config passwd": writesPasswd = try Self.boolean(value, key, place)
    case "config group": writesGroup = try Self.boolean(value, key, place)
    case "config resolv_conf": writesResolverConfiguration = try Self.boolean(value, key, place)
    case "shared mount": sharesMounts = try Self.boolean(value, key, place)
    case "sessiondir max size":
      guard let mebibytes = Int(value), mebibytes > 0, mebibytes < 1 << 30 else {
        throw .value(place, key: key, value: value, expected: "a number of MiB")
      }
      sessionBytes = mebibytes << 20
    case "mount linger", "mount timeout":
      guard let seconds = Self.seconds(value) else {
        throw .value(place, key: key, value: value, expected: "a number of seconds")
      }
      if key == "mount linger" { lingerSeconds = seconds } else { patienceSeconds = seconds }
    case "cache max size":
      guard let mebibytes = Int(value), mebibytes > 0, mebibytes < 1 << 40 else {
        throw .value(place, key: key, value: value, expected: "a number of MiB")
      }
      cacheBytes = mebibytes << 20
    case "tag ttl":
      guard let seconds = Int(value), seconds >= 0, seconds < 1 << 31 else {
        throw .value(place, key: key, value: value, expected: "a number of seconds")
      }
      tagSeconds = seconds
    case "library uri": libraryURI = value.isEmpty ? nil : value
    case "image compressor": compressor = value.isEmpty ? nil : value
    case "log launches":
      guard let log = LaunchLog(rawValue: value.lowercased()) else {
        throw .value(place, key: key, value: value, expected: "off, syslog or journald")
      }
      launchLog = log
    case "cni configuration path":
      networkFolder = value.isEmpty ? "" : try Self.absolute(value, key, place)
    case "cni plugin path":
      guard !value.isEmpty else { return true }
      networkPlugins = []
      for path in value.fields(at: UInt8(ascii: ":")) {
        networkPlugins.append(try Self.absolute(String(path), key, place))
      }
    case "allow net users", "allow net groups", "allow net networks", "allow netns paths":
      if networkPermission == nil, !value.isEmpty {
        networkPermission = "\"\(key)\" (\(place.path), line \(place.line))"
      }
      return false
    default: return false
    }
    return true
  }

  /// A time as settings and variables write it; nil for what is none.
  public static func seconds(_ text: String) -> Double? {
    guard let seconds = Double(text), seconds >= 0, seconds < 1e6 else { return nil }
    return seconds
  }

  private static func boolean(_ value: String, _ key: String, _ place: SettingsFault.Place)
    throws(SettingsFault) -> Bool
  {
    switch value.lowercased() {
    case "yes", "true", "1", "on": true
    case "no", "false", "0", "off": false
    default: throw .value(place, key: key, value: value, expected: "yes or no")
    }
  }

  private static func absolute(
    _ value: String, _ key: String, _ place: SettingsFault.Place
  ) throws(SettingsFault) -> String {
    guard value.utf8.first == UInt8(ascii: "/") else {
      throw .value(place, key: key, value: value, expected: "an absolute path")
    }
    return value
  }

  private static func paths(
    _ value: String, _ key: String, _ place: SettingsFault.Place
  ) throws(SettingsFault) -> [String] {
    let paths = SettingsLine.items(of: value)
    if let path = paths.first(where: { !ContainerPath.isAbsolute($0) }) {
      throw .value(place, key: key, value: path, expected: "an absolute path")
    }
    return paths
  }
}
