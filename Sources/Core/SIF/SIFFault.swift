public import Linux
public import Model

/// Why a file is refused as a SIF.
public enum SIFFault: Error, Equatable, Sendable {
  case notSIF
  case version(String)
  case truncated(_ structure: String)
  /// A field that contradicts the format or the file; `limit` says what would have been allowed.
  case field(_ name: String, value: Int64, limit: String)
  case overlap(first: UInt32, second: UInt32)
  case noPrimaryPartition
  case severalPrimaryPartitions
  case encrypted
  case fileSystem(name: String)
  case noSuchObject(id: UInt32)
  case read(SystemCallFault)
}

extension SIFFault: Explained {
  public var explanation: Explanation {
    let what = "cannot read the SIF"
    let remedy = "the file is damaged or was made to mislead: get it anew from where it came"
    return switch self {
    case .notSIF:
      Explanation(
        what: what, why: "it does not begin as one", remedy: "check the path; `file` tells what it is")
    case .version(let version):
      Explanation(
        what: what, why: "it has version \(printable(version)), and this program knows 01",
        remedy: "use a newer apus, or make the image anew")
    case .truncated(let structure):
      Explanation(what: what, why: "it ends within \(structure)", remedy: remedy)
    case .field(let name, let value, let limit):
      Explanation(what: what, why: "\(name) is \(value), allowed is \(limit)", remedy: remedy)
    case .overlap(let first, let second):
      Explanation(what: what, why: "its objects \(first) and \(second) overlap", remedy: remedy)
    case .noPrimaryPartition:
      Explanation(
        what: "cannot run the SIF", why: "it has no primary system partition",
        remedy: "`apus sif list` shows what it has; a data image is bound into another container")
    case .severalPrimaryPartitions:
      Explanation(what: what, why: "it has more than one primary system partition", remedy: remedy)
    case .encrypted:
      Explanation(
        what: "cannot run the SIF",
        why: "its root file system is encrypted, which this version does not read",
        remedy: "use the runtime that encrypted it to write an unencrypted image")
    case .fileSystem(let name):
      Explanation(
        what: "cannot run the SIF",
        why: "its root is a file system of type \(name), and only squashfs is served",
        remedy: "build it anew: apus build NEW.sif DIRECTORY")
    case .noSuchObject(let id):
      Explanation(
        what: what, why: "it has no object \(id)", remedy: "`apus sif list` shows the objects and their ids")
    case .read(let fault): fault.explanation
    }
  }
}
