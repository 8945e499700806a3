public import Content
internal import Glibc
internal import Linux
internal import Model

/// What a reference pointed to when the registry was last asked.
public struct TagRecord: Equatable, Sendable {
  /// As the caller writes references, `docker.io/library/debian:12`.
  public var reference: String
  /// `linux/amd64`; empty where there is no choice.
  public var platform: String
  /// Of the manifest.
  public var digest: Digest
  /// Name of the image that was made of it; nil where none was.
  public var image: String?
  /// When the registry said so, in seconds since 1970.
  public var checkedSeconds: Int
  /// The registry's own mark for this answer (RFC 9110, section 8.8.3).
  public var etag: String?
  /// What was to be said when the image was made: sentences for whoever gets it again.
  public var warnings: [String]

  public init(
    reference: String, platform: String, digest: Digest, image: String? = nil, checkedSeconds: Int,
    etag: String? = nil, warnings: [String] = []
  ) {
    self.reference = reference
    self.platform = platform
    self.digest = digest
    self.image = image
    self.checkedSeconds = checkedSeconds
    self.etag = etag
    self.warnings = warnings
  }

  /// The name of the record's file. A reference holds no line feed.
  static func name(_ reference: String, _ platform: String) -> String {
    Digest.of(Array((reference + "\n" + platform).utf8)).hex
  }

  /// Of the file that holds the record.
  public var fileName: String { Self.name(reference, platform) }

  var text: String {
    var members: [(String, JSON)] = [
      ("reference", .string(reference)), ("platform", .string(platform)), ("digest", .string(digest.text)),
      ("checked", .integer(checkedSeconds)),
    ]
    if let image { members.append(("image", .string(image))) }
    if let etag { members.append(("etag", .string(etag))) }
    let kept = keptWarnings
    if !kept.isEmpty { members.append(("warnings", .array(kept.map(JSON.string)))) }
    return JSON.object(members).text() + "\n"
  }

  /// As many as a record has room for: the first ones tell what kind of thing is the matter. A byte takes six in JSON at
  /// most.
  private var keptWarnings: [String] {
    var room = Self.limit / 2
    return Array(
      warnings.prefix {
        room -= $0.utf8.count * 6 + 4
        return room >= 0
      })
  }

  /// Bytes of a record at most; references and marks of registries are far shorter.
  static let limit = 64 << 10

  /// nil for what no cache of ours has written.
  init?(parsing bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), let reference = json["reference"]?.text,
      let platform = json["platform"]?.text, let digest = json["digest"]?.text.flatMap({ Digest($0) }),
      case .integer(let checked)? = json["checked"]
    else { return nil }
    let image = json["image"]?.text
    if let image, !ObjectName.isValid(image.utf8) { return nil }
    var warnings: [String] = []
    if case .array(let texts)? = json["warnings"] { warnings = texts.compactMap { $0.text } }
    self.init(
      reference: reference, platform: platform, digest: digest, image: image, checkedSeconds: checked,
      etag: json["etag"]?.text, warnings: warnings)
  }
}

extension CacheDirectory {
  /// What is known of a reference, from the cache or else a store.
  public func tag(_ reference: String, platform: String) -> TagRecord? {
    guard let object = locate(.tags, TagRecord.name(reference, platform)),
      let record = Self.record(object.descriptor), record.reference == reference, record.platform == platform
    else { return nil }
    return record
  }

  /// Writes down what the registry said.
  public func setTag(_ record: TagRecord) throws(CacheFault) {
    if let image = record.image { try ObjectName.check(image) }
    var object = try create(.tags, record.fileName)
    let number = object.number
    try onCache(path) { () throws(SystemCallFault) in
      try File.write(Array(record.text.utf8), to: number, subject: "a tag record")
    }
    try object.publish(.replace)
  }

  /// All records of the cache itself, in the order of their references.
  public func tags() -> [TagRecord] {
    guard let folder = existingFolder(.tags), let names = try? RawName.names(in: folder.number) else {
      return []
    }
    let records = names.filter { ObjectName.isValid($0) }.compactMap { name -> TagRecord? in
      guard let file = try? RawName.open(name, O_RDONLY | O_NONBLOCK, in: folder.number),
        let record = Self.record(file), Array(record.fileName.utf8) == name
      else { return nil }
      return record
    }
    return records.sorted { ($0.reference, $0.platform) < ($1.reference, $1.platform) }
  }

  static func record(_ file: borrowing Descriptor) -> TagRecord? {
    guard let bytes = try? File.readAll(file, limit: TagRecord.limit) else { return nil }
    return TagRecord(parsing: bytes)
  }
}
