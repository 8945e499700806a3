public import Codec
public import Linux
public import Model
public import Tree

/// How a squashfs is written.
public struct WriterOptions: Sendable {
  public var compressor: Compressor
  /// The library's own scale; nil is the default of `BlockEncoder`.
  public var level: Int?
  /// A power of two from 4 KiB to 1 MiB.
  public var blockSize: Int
  /// Threads that read and compress. The bytes written do not depend on it.
  public var threads: Int
  /// The time in the superblock, seconds since 1970.
  public var modified: UInt32

  public init(
    compressor: Compressor = .gzip, level: Int? = nil, blockSize: Int = 128 << 10,
    threads: Int = Processors.usable,
    modified: UInt32 = 0
  ) {
    self.compressor = compressor
    self.level = level
    self.blockSize = blockSize
    self.threads = threads
    self.modified = modified
  }
}

/// Why a squashfs could not be written.
public enum WriterFault: Error, Equatable, Sendable {
  case tree(TreeFault)
  case write(SystemCallFault)
  /// This compressor is read, not written.
  case compressor(Compressor)
  /// More of something than the format can count.
  case tooMany(_ what: String, limit: Int)
}

extension WriterFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .tree(let fault): fault.explanation
    case .write(let fault):
      Explanation(
        what: "cannot write the image", why: fault.explanation.why, remedy: fault.explanation.remedy)
    case .compressor(let compressor):
      Explanation(
        what: "cannot write the image", why: "\(compressor.name) is not written by this program",
        remedy: "choose one of " + BlockEncoder.supported.map(\.name).joined(separator: ", "))
    case .tooMany(let what, let limit):
      Explanation(what: "cannot write the image", why: "the tree has more than \(limit) \(what)")
    }
  }
}
