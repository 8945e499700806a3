public import Linux
public import Model
public import SIF
public import Squashfs
public import SquashfsWriter
public import Tree

/// Why an image or a directory could not be made.
public enum BuildFault: Error, Equatable, Sendable {
  /// The target is there and nobody asked to replace it.
  case targetExists(path: String)
  /// The target is there and is of another kind than what would replace it.
  case targetIsDirectory(path: String)
  case targetIsNoDirectory(path: String)
  case source(path: String, SystemCallFault)
  /// What is unpacked into a directory must be an image.
  case sourceIsDirectory(path: String)
  /// Neither a directory nor an image.
  case unknownSource(path: String)
  /// A source this version does not read: what it is.
  case unsupportedSource(path: String, kind: String)
  case output(path: String, SystemCallFault)
  case architecture(code: String)
  case unpack(path: String, SystemCallFault)
  /// An image whose directories go in circles, or deeper than any path.
  case directoryLoop(path: String)
  case tree(TreeFault)
  case writer(WriterFault)
  case sif(SIFFault)
  case squashfs(path: String, SquashfsFault)
}

extension BuildFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .targetExists(let path):
      Explanation(
        what: "cannot build \(printable(path))", why: "it exists already",
        remedy: "give --force to replace it, or another name")
    case .targetIsDirectory(let path):
      Explanation(
        what: "cannot build \(printable(path))", why: "it is a directory, and --force replaces only files",
        remedy: "remove it, or give --sandbox to make a directory")
    case .targetIsNoDirectory(let path):
      Explanation(
        what: "cannot build \(printable(path))",
        why: "it is no directory, and --sandbox --force replaces only those",
        remedy: "remove it, or give another name")
    case .source(let path, let fault):
      Explanation(
        what: "cannot open \(printable(path))", why: fault.explanation.why, remedy: fault.explanation.remedy)
    case .sourceIsDirectory(let path):
      Explanation(
        what: "cannot build a sandbox from \(printable(path))",
        why: "it is a directory, and --sandbox takes an image: a SIF or a squashfs",
        remedy:
          "a root directory is a sandbox already: copy it with cp -a, or leave out --sandbox to make a SIF")
    case .unknownSource(let path):
      Explanation(
        what: "cannot build from \(printable(path))", why: "it is neither a directory, a SIF nor a squashfs",
        remedy: "give the root directory of a container or an image")
    case .unsupportedSource(let path, let kind):
      Explanation(
        what: "cannot build from \(printable(path))", why: "\(kind) is not supported by this version",
        remedy: "give the root directory of a container, a SIF or a squashfs")
    case .output(let path, let fault):
      Explanation(
        what: "cannot write \(printable(path))", why: fault.explanation.why, remedy: fault.explanation.remedy)
    case .architecture(let code):
      Explanation(
        what: "cannot build the SIF", why: "the architecture code \"\(printable(code))\" is unknown")
    case .unpack(let path, let fault):
      Explanation(
        what: "cannot unpack \(printable(path))", why: fault.explanation.why, remedy: fault.explanation.remedy
      )
    case .directoryLoop(let path):
      Explanation(
        what: "cannot unpack \(printable(path))",
        why: "the directories of the image go in circles or too deep",
        remedy: "the image is damaged or was made to mislead: get it anew from where it came")
    case .tree(let fault): fault.explanation
    case .writer(let fault): fault.explanation
    case .sif(let fault): fault.explanation
    case .squashfs(let path, let fault):
      Explanation(
        what: "cannot read \(printable(path))", why: fault.explanation.why, remedy: fault.explanation.remedy)
    }
  }
}
