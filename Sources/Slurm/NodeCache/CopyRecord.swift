public import Model

/// What is written down of a copy when it is made, beside it.
public struct CopyRecord: Equatable, Sendable {
  /// `sha256:…` of all bytes.
  public let digest: String
  /// Bytes.
  public let size: Int
  /// Sums of the first bytes and of some throughout the file, as `ImageSample` makes them.
  public let start: String
  public let sample: String
  /// Where it came from: a path, or a reference.
  public let source: String
  /// Seconds since 1970.
  public let copiedSeconds: Int

  public init(digest: String, size: Int, start: String, sample: String, source: String, copiedSeconds: Int) {
    self.digest = digest
    self.size = size
    self.start = start
    self.sample = sample
    self.source = source
    self.copiedSeconds = copiedSeconds
  }

  /// Bytes of a record at most: a path has no more than 4096, each of which may take six.
  static let limit = 32 << 10

  public var json: JSON {
    .object([
      ("digest", .string(digest)), ("size", .integer(size)), ("start", .string(start)),
      ("sample", .string(sample)), ("source", .string(source)), ("copied", .integer(copiedSeconds)),
    ])
  }

  /// nil for what is no record.
  public init?(parsing bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), let digest = json["digest"]?.text,
      case .integer(let size)? = json["size"], let start = json["start"]?.text,
      let sample = json["sample"]?.text, let source = json["source"]?.text,
      case .integer(let copied)? = json["copied"]
    else { return nil }
    self.init(
      digest: digest, size: size, start: start, sample: sample, source: source, copiedSeconds: copied)
  }
}
