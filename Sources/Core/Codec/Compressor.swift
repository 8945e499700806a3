public import Model

/// The compressors of squashfs, by the number in the superblock ("Squashfs Binary Format", section 2.2).
public enum Compressor: UInt16, CaseIterable, Sendable {
  case gzip = 1
  /// The old LZMA container, written by no squashfs-tools of the last ten years.
  case lzma = 2
  case lzo = 3
  case xz = 4
  case lz4 = 5
  case zstd = 6

  public var name: String {
    switch self {
    case .gzip: "gzip"
    case .lzma: "lzma"
    case .lzo: "lzo"
    case .xz: "xz"
    case .lz4: "lz4"
    case .zstd: "zstd"
    }
  }

  public init?(name: String) {
    guard let found = Compressor.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }
}

/// Why a block could not be decoded or a codec not be set up.
public enum CodecFault: Error, Equatable, Sendable {
  /// The bytes are not what this compressor writes, or decode to more than the room for them.
  case corrupt(Compressor)
  case outOfMemory(Compressor)
}

extension CodecFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .corrupt(let compressor):
      Explanation(
        what: "cannot decode a block", why: "its \(compressor.name) data is damaged",
        remedy: "get the image anew; `apus sif list` shows whether its parts lie within the file")
    case .outOfMemory(let compressor):
      Explanation(what: "cannot decode a block", why: "no memory for the \(compressor.name) decoder")
    }
  }
}
