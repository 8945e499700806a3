public import Content
public import Layers
public import Linux
public import Model
public import SquashfsWriter

/// Why the contents of layers could not be stored.
public enum SegmentFault: Error, Equatable, Sendable {
  case layer(LayerFault)
  case content(ContentFault)
  /// Writing or reading a file of ours failed; `path` is for messages.
  case call(path: String, SystemCallFault)
  case writer(WriterFault)
  /// A stored segment is not what was written.
  case damaged(name: String, why: String)
  /// A file with more blocks than the format's readers take.
  case tooLarge(path: String, size: Int)
  case tooManyEntries(limit: Int)
  /// A layer read for the second time was not the one that was read first.
  case changed(name: String)
}

extension SegmentFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .layer(let fault): fault.explanation
    case .content(let fault): fault.explanation
    case .call(let path, let fault):
      Explanation(
        what: "cannot write \(printable(path))", why: fault.explanation.why, remedy: fault.explanation.remedy)
    case .writer(let fault): fault.explanation
    case .damaged(let name, let why):
      Explanation(
        what: "cannot use the stored layer \(printable(name))", why: why,
        remedy: "remove it with `apus cache clean --type segments`; it is made anew when it is needed")
    case .tooLarge(let path, let size):
      Explanation(
        what: "cannot store \(printable(path))",
        why: "its \(size) bytes are more than a file of a squashfs can have")
    case .tooManyEntries(let limit):
      Explanation(
        what: "cannot use a layer", why: "it has more than \(limit) entries",
        remedy: "the image is damaged or was made to mislead: have it built anew by its authors")
    case .changed(let name):
      Explanation(
        what: "cannot use the layer \(printable(name))", why: "it changed while it was being read",
        remedy: "stop what writes into the source and try again")
    }
  }
}
