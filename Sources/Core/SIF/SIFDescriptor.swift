public import Model

/// What a data object is (sylabs/sif, `pkg/sif/sif.go`, DataType).
public enum SIFDataType: Int32, Sendable {
  case definition = 0x4001
  case environment = 0x4002
  case labels = 0x4003
  case partition = 0x4004
  case signature = 0x4005
  case genericJSON = 0x4006
  case generic = 0x4007
  case cryptoMessage = 0x4008
  case sbom = 0x4009
  case ociRootIndex = 0x400A
  case ociBlob = 0x400B
}

/// The file system of a partition.
public enum SIFFileSystem: Int32, Sendable {
  case squashfs = 1
  case ext3 = 2
  case archive = 3
  case raw = 4
  /// LUKS2 with a squashfs in it.
  case encryptedSquashfs = 5
  /// gocryptfs with a squashfs in it.
  case gocryptfsSquashfs = 6

  public var name: String {
    switch self {
    case .squashfs: "Squashfs"
    case .ext3: "Ext3"
    case .archive: "Archive"
    case .raw: "Raw"
    case .encryptedSquashfs: "Encrypted squashfs"
    case .gocryptfsSquashfs: "Gocryptfs squashfs"
    }
  }
}

/// What a partition is for.
public enum SIFPartitionType: Int32, Sendable {
  case system = 1
  /// The container's root; one per file.
  case primarySystem = 2
  case data = 3
  case overlay = 4

  public var name: String {
    switch self {
    case .system: "System"
    case .primarySystem: "*System"
    case .data: "Data"
    case .overlay: "Overlay"
    }
  }
}

/// One of the entries of the descriptor table: 585 bytes (sylabs/sif, `pkg/sif/descriptor.go`).
///
/// | offset | size | field | offset | size | field |
/// |---|---|---|---|---|---|
/// | 0 | 4 | data type | 33 | 8 | bytes with leading padding |
/// | 4 | 1 | used | 41, 49 | 8, 8 | creation and modification time |
/// | 5 | 4 | object id | 57, 65 | 8, 8 | uid, gid |
/// | 9 | 4 | group | 73 | 128 | name |
/// | 13 | 4 | link | 201 | 384 | extra, by type |
/// | 17, 25 | 8, 8 | data offset, bytes | | | |
public struct SIFDescriptor: Equatable, Sendable {
  public static let size = 585
  /// Marks a group number, in the group field and in links to a group.
  public static let groupMask: UInt32 = 0xF000_0000

  /// The number in the file; `type` names those known.
  public var typeCode: Int32
  public var id: UInt32
  /// With the mask; the mask alone is no group.
  public var group: UInt32
  /// 0 none, an object's id, or a group with the mask.
  public var link: UInt32
  public var offset: Int64
  public var size: Int64
  public var paddedSize: Int64
  public var created: Int64
  public var modified: Int64
  public var uid: Int64
  public var gid: Int64
  public var name: String
  public var extra: [UInt8]

  public var type: SIFDataType? { SIFDataType(rawValue: typeCode) }

  public init(
    type: SIFDataType, id: UInt32, group: UInt32, link: UInt32 = 0, offset: Int64, size: Int64,
    paddedSize: Int64,
    time: Int64, name: String, extra: [UInt8] = []
  ) {
    typeCode = type.rawValue
    self.id = id
    self.group = group
    self.link = link
    self.offset = offset
    self.size = size
    self.paddedSize = paddedSize
    created = time
    modified = time
    uid = 0
    gid = 0
    self.name = name
    self.extra = extra
  }

  /// nil for a slot that is not in use.
  init?(parsing bytes: [UInt8]) throws(TruncatedFault) {
    var reader = unsafe ByteReader(bytes.span.bytes)
    typeCode = try reader.take()
    let used = try reader.take(UInt8.self)
    guard used != 0 else { return nil }
    id = try reader.take()
    group = try reader.take()
    link = try reader.take()
    offset = try reader.take()
    size = try reader.take()
    paddedSize = try reader.take()
    created = try reader.take()
    modified = try reader.take()
    uid = try reader.take()
    gid = try reader.take()
    name = text(try reader.take(count: 128))
    extra = try reader.take(count: 384)
  }

  public var bytes: [UInt8] {
    var out = ByteWriter(reserving: Self.size)
    out.put(typeCode)
    out.put(UInt8(1))
    out.put(id)
    out.put(group)
    out.put(link)
    for number in [offset, size, paddedSize, created, modified, uid, gid] { out.put(number) }
    out.put(padded(name, 128))
    out.put(extra.prefix(384))
    out.pad(to: Self.size)
    return out.bytes
  }

  private func number(_ at: Int) -> Int32 {
    guard extra.count >= at + 4 else { return 0 }
    return (0..<4).reduce(0) { $0 | Int32(extra[at + $1]) << (8 * Int32($1)) }
  }

  /// Of a partition: its file system, its use, and its architecture's code.
  public var partition: (fileSystem: SIFFileSystem?, use: SIFPartitionType?, architectureCode: String)? {
    guard type == .partition, extra.count >= 11 else { return nil }
    return (
      SIFFileSystem(rawValue: number(0)), SIFPartitionType(rawValue: number(4)), text(Array(extra[8..<11]))
    )
  }

  /// Of a signature: its hash (1 SHA-256, 2 SHA-384, 3 SHA-512, 4 BLAKE2s, 5 BLAKE2b) and the key's fingerprint.
  public var signature: (hash: Int32, fingerprint: [UInt8])? {
    guard type == .signature, extra.count >= 24 else { return nil }
    return (number(0), Array(extra[4..<24]))
  }

  /// Of a cryptographic message: its format (1 OpenPGP, 2 PEM) and what it is (0x100 clear signature, 0x200 RSA-OAEP).
  public var cryptoMessage: (format: Int32, kind: Int32)? {
    guard type == .cryptoMessage, extra.count >= 8 else { return nil }
    return (number(0), number(4))
  }

  public static func partitionExtra(
    _ fileSystem: SIFFileSystem, _ use: SIFPartitionType, _ architecture: Architecture
  ) -> [UInt8] {
    var out = ByteWriter()
    out.put(fileSystem.rawValue)
    out.put(use.rawValue)
    out.put(padded(architecture.sifCode, 3))
    return out.bytes
  }
}
