public import Model

/// An OCI bundle: what its config.json asks for, as far as a container of ours has it (OCI Runtime Specification,
/// config.md). Containers share the caller's user, processes and network, so what concerns those is left aside:
/// namespaces, capabilities, cgroups, hooks, limits, and every key that is not known.
///
/// Pure: whoever calls has read the file, and makes words for the launcher of the result.
public struct Bundle: Equatable, Sendable {
  public struct Bind: Equatable, Sendable {
    public var source: String
    public var target: String
    public var isWritable: Bool
  }

  /// The image or root directory, absolute; nil where the bundle leaves it to the command line. A reference as it is.
  public var root: String?
  /// The words of the program; empty: what the image is made to run.
  public var arguments: [String] = []
  /// `NAME=value`
  public var environment: [String] = []
  /// Absolute.
  public var directory: String?
  public var umask: UInt32?
  public var uid: UInt32?
  public var binds: [Bind] = []
  public var hostName: String?
  public var annotations: [(name: String, value: String)] = []

  public init() {}

  public static func == (left: Bundle, right: Bundle) -> Bool {
    left.root == right.root && left.arguments == right.arguments && left.environment == right.environment
      && left.directory == right.directory && left.umask == right.umask && left.uid == right.uid
      && left.binds == right.binds && left.hostName == right.hostName
      && left.annotations.elementsEqual(right.annotations, by: ==)
  }
}

/// Why a config.json cannot be used.
public struct BundleFault: Error, Equatable, Sendable {
  public let path: String
  public let why: String

  public init(path: String, why: String) {
    self.path = path
    self.why = why
  }
}

extension BundleFault: Explained {
  public var explanation: Explanation {
    Explanation(
      what: "cannot use the bundle \(printable(path))", why: printable(why),
      remedy: "its config.json must follow the OCI runtime specification; root.path may also name a SIF")
  }
}

extension Bundle {
  /// The file in a bundle's directory.
  public static let fileName = "config.json"
  /// Names the image that a bundle made by `apus slurm bundle` stands for.
  public static let imageAnnotation = "org.apus.image"

  /// `path`: the bundle's directory, absolute; relative paths in the document start there.
  public init(_ bytes: [UInt8], path: String) throws(BundleFault) {
    let json: JSON
    do throws(JSONFault) { json = try JSON(parsing: bytes) } catch {
      throw BundleFault(
        path: path, why: "its config.json is no JSON: \(error.why) at byte \(error.offset)")
    }
    guard case .object = json else { throw BundleFault(path: path, why: "its config.json is no object") }
    let reader = BundleReader(path: path)
    root = try reader.root(json)
    let process = json["process"]
    arguments = try reader.words(process?["args"], "process.args")
    environment = try reader.words(process?["env"], "process.env")
    if let cwd = process?["cwd"], cwd != .null {
      directory = try reader.absolute(cwd, "process.cwd")
    }
    umask = try reader.number(process?["user"]?["umask"], "process.user.umask", below: 0o1000)
    uid = try reader.number(process?["user"]?["uid"], "process.user.uid", below: Int(UInt32.max))
    binds = try reader.binds(json["mounts"])
    if let name = json["hostname"], name != .null {
      let text = try reader.text(name, "hostname")
      hostName = text.isEmpty ? nil : text
    }
    for (name, value) in json["annotations"]?.members ?? [] {
      annotations.append((name, try reader.text(value, "annotations[\"\(name)\"]")))
    }
  }

  /// The text of a config.json that stands for an image and says nothing else.
  public static func text(standingFor image: String) -> String {
    JSON.object([
      ("ociVersion", .string("1.0.2")),
      ("root", .object([("path", .string(image)), ("readonly", .bool(true))])),
      ("annotations", .object([(imageAnnotation, .string(image))])),
    ]).text(indented: true) + "\n"
  }
}

/// Reads members of a config.json, and says which of them makes no sense.
private struct BundleReader {
  let path: String

  func fault(_ name: String, _ why: String) -> BundleFault { BundleFault(path: path, why: "\(name) \(why)") }

  func text(_ json: JSON, _ name: String) throws(BundleFault) -> String {
    guard let text = json.text else { throw fault(name, "is no string") }
    guard !text.utf8.contains(0) else { throw fault(name, "holds a NUL") }
    return text
  }

  func words(_ json: JSON?, _ name: String) throws(BundleFault) -> [String] {
    guard let json, json != .null else { return [] }
    guard case .array(let items) = json else { throw fault(name, "is no list of strings") }
    var words: [String] = []
    for item in items { words.append(try text(item, name)) }
    return words
  }

  func number(_ json: JSON?, _ name: String, below limit: Int) throws(BundleFault) -> UInt32? {
    guard let json, json != .null else { return nil }
    guard case .integer(let value) = json, (0..<limit).contains(value) else {
      throw fault(name, "is no number below \(limit)")
    }
    return UInt32(value)
  }

  func absolute(_ json: JSON, _ name: String) throws(BundleFault) -> String {
    let text = try text(json, name)
    guard ContainerPath.isAbsolute(text) else { throw fault(name, "is no absolute path") }
    return text
  }

  func root(_ json: JSON) throws(BundleFault) -> String? {
    guard let root = json["root"], root != .null else { return nil }
    guard let place = root["path"] else { throw fault("root", "has no path") }
    let text = try text(place, "root.path")
    guard !text.isEmpty else { throw fault("root.path", "is empty") }
    return text.holds(bytesOf: "://") ? text : ContainerPath.normalized(text, from: path)
  }

  /// Those of type bind; what a container has anyway (proc, devices, memory) is left to the launch.
  func binds(_ json: JSON?) throws(BundleFault) -> [Bundle.Bind] {
    guard let json, json != .null else { return [] }
    guard case .array(let mounts) = json else { throw fault("mounts", "is no list") }
    var binds: [Bundle.Bind] = []
    for (index, mount) in mounts.enumerated() {
      let name = "mounts[\(index)]"
      let options = try words(mount["options"], name + ".options")
      guard mount["type"]?.text == "bind" || options.contains("bind") || options.contains("rbind") else {
        continue
      }
      guard let source = mount["source"], let target = mount["destination"] else {
        throw fault(name, "is a bind without source and destination")
      }
      binds.append(
        Bundle.Bind(
          source: ContainerPath.normalized(try text(source, name + ".source"), from: path),
          // Relative ones are taken from the root, as older versions of the specification allow.
          target: ContainerPath.normalized(try text(target, name + ".destination")),
          isWritable: options.last { $0 == "ro" || $0 == "rw" } != "ro"))
    }
    return binds
  }
}
