public import Model

/// What an administrator decides: etc/apus/apus.conf, read once a launch. A missing file means the defaults.
///
/// `key = value`, a line each, `#` begins a comment. Keys that mean the same have the names Apptainer gives them, so
/// that lines can be copied.
public struct Settings: Equatable, Sendable {
  public enum DeviceMount: Equatable, Sendable { case yes, no, minimal }
  public enum LaunchLog: String, Equatable, Sendable { case off, syslog, journald }

  /// `bind path`: paths of the host shown in every container, `SOURCE[:TARGET]`.
  public var bindPaths = ["/etc/localtime", "/etc/hosts"]
  public var mountsHome = true
  public var mountsTemporary = true
  public var mountsProc = true
  public var mountsSys = true
  /// `mount devpts`: terminals of its own in a minimal /dev.
  public var mountsTerminals = true
  public var deviceMount = DeviceMount.yes
  public var allowsUserBinds = true
  public var writesPasswd = true
  public var writesGroup = true
  public var writesResolverConfiguration = true
  /// `sessiondir max size`, in bytes; nil: an eighth of the memory the launch may use, at least 64 MiB.
  public var sessionBytes: Int?
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

  /// Reads the text of a file. `path` is for messages. A list adds up over its lines; of a key with one value the first
  /// line counts, as in Apptainer.
  public init(parsing text: String, path: String) throws(SettingsFault) {
    var bindPaths: [String]?
    var seen: [(key: String, line: Int)] = []
    var number = 0
    for line in text.fields(at: 0x0A) {
      number += 1
      if line.utf8.first == UInt8(ascii: "#") { continue }
      let bare = Self.trimmed(Self.withoutComment(line.utf8))
      guard !bare.isEmpty else { continue }
      let place = SettingsFault.Place(path: path, line: number)
      guard let equals = bare.firstIndex(of: UInt8(ascii: "=")) else {
        throw .notAssignment(place, text: String(Substring(bare)))
      }
      let key = String(Substring(Self.trimmed(bare[..<equals]))).lowercased()
      let value = String(Substring(Self.trimmed(bare[bare.index(after: equals)...])))
      if key == "bind path" {
        bindPaths = (bindPaths ?? []) + (value.isEmpty ? [] : [value])
      } else if key == "image store" {
        for directory in value.fields(at: UInt8(ascii: ",")) {
          let path = String(Substring(Self.trimmed(directory.utf8)))
          if path.isEmpty { continue }
          guard path.utf8.first == UInt8(ascii: "/") else {
            throw .value(place, key: key, value: path, expected: "an absolute path")
          }
          imageStores.append(path)
        }
      } else if let first = seen.first(where: { $0.key == key }) {
        let text =
          "\(path), line \(number): \"\(printable(key))\" was set in line \(first.line) already, that counts"
        notices.append(Notice(.warning, text))
      } else {
        seen.append((key, number))
        try set(key, value, place)
      }
    }
    if let bindPaths { self.bindPaths = bindPaths }
  }

  /// A `#` begins a comment at the start of a line or behind a blank: paths may hold one.
  private static func withoutComment(_ line: Substring.UTF8View) -> Substring.UTF8View {
    var before = UInt8(ascii: " ")
    var index = line.startIndex
    while index < line.endIndex {
      let byte = line[index]
      if byte == UInt8(ascii: "#"), before == UInt8(ascii: " ") || before == UInt8(ascii: "\t") {
        return line[..<index]
      }
      before = byte
      index = line.index(after: index)
    }
    return line
  }

  private mutating func set(_ key: String, _ value: String, _ place: SettingsFault.Place)
    throws(SettingsFault)
  {
    switch key {
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
      guard !value.isEmpty else { return }
      networkPlugins = []
      for path in value.fields(at: UInt8(ascii: ":")) {
        networkPlugins.append(try Self.absolute(String(path), key, place))
      }
    case "allow net users", "allow net groups", "allow net networks", "allow netns paths":
      if networkPermission == nil, !value.isEmpty {
        networkPermission = "\"\(key)\" (\(place.path), line \(place.line))"
      }
      notices.append(
        Notice(
          .verbose,
          "\(place.path), line \(place.line): \"\(key)\" has no effect: nothing of apus is set-uid, so only root"
            + " connects containers to networks of the site"))
    case _ where Self.ofApptainer.contains(key):
      notices.append(
        Notice(
          .verbose, "\(place.path), line \(place.line): \"\(key)\" means nothing to this version of apus"))
    default:
      notices.append(
        Notice(
          .warning,
          "\(place.path), line \(place.line): there is no setting \"\(printable(key))\", it is ignored"))
    }
  }

  /// A time as settings and variables write it; nil for what is none.
  public static func seconds(_ text: String) -> Double? {
    guard let seconds = Double(text), seconds >= 0, seconds < 1e6 else { return nil }
    return seconds
  }

  /// Keys of apptainer.conf without an effect here: lines copied from there draw no warning at every launch.
  private static let ofApptainer = [
    "allow setuid", "allow ipc ns", "allow pid ns", "allow user ns", "allow uts ns", "mount hostfs",
    "enable fusemount",
    "enable overlay", "enable underlay", "mount slave", "memory fs type", "limit container owners",
    "limit container groups", "limit container paths", "allow container sif", "allow container encrypted",
    "allow container squashfs", "allow container extfs", "allow container dir",
    "allow setuid-mount encrypted",
    "allow setuid-mount squashfs", "allow setuid-mount extfs", "sync writable extfs", "always use nv",
    "always use rocm", "use nvidia-container-cli", "root default capabilities", "binary path",
    "mksquashfs procs", "mksquashfs mem", "shared loop devices", "max loop devices", "image driver",
    "download concurrency", "download part size", "download buffer size", "systemd cgroups",
    "allow monitoring",
    "apptheus socket path", "apptheus communication socket path",
  ]

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

  private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
    var text = text
    while let first = text.first, isBlank(first) { text.removeFirst() }
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
}
