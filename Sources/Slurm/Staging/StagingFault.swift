public import Content
internal import Glibc
public import Linux
public import Model
public import NodeCache

/// Why an image could not be copied to the node.
public enum StagingFault: Error, Equatable, Sendable {
  case cache(NodeCacheFault)
  /// The source could not be read.
  case source(name: String, SystemCallFault)
  case notAFile(name: String)
  /// Something was written to the source, or put in its place, while it was copied.
  case changed(name: String)
  case digest(name: String, expected: Digest, found: Digest)
  /// There is no room for the copy; `why` begins with "No space left".
  case noRoom(name: String, size: Int, cache: String, why: String)
  case write(name: String, cache: String, SystemCallFault)
  /// The copy was damaged, and so is the one that was made in its place.
  case damaged(name: String, cache: String, why: String)

  /// Whether the image itself is good, and can be used where it lies: only its copy has no place.
  public var leavesSource: Bool {
    switch self {
    case .cache, .noRoom, .write: true
    case .source, .notAFile, .changed, .digest, .damaged: false
    }
  }
}

extension StagingFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .cache(let fault): fault.explanation
    case .source(let name, let fault):
      Explanation(
        what: "cannot read the image \(printable(name))", why: errorText(fault.number),
        remedy: "check that this node sees the file, and that you may read it there")
    case .notAFile(let name):
      Explanation(
        what: "cannot stage \(printable(name))", why: "only files are copied to a node",
        remedy:
          "make an image of it: apus build OUT.sif DIRECTORY, or run it in place: --container-stage=direct")
    case .changed(let name):
      Explanation(
        what: "cannot stage \(printable(name))", why: "image changed while staging",
        remedy: "start the job again when the file is complete; put new images in place with a rename")
    case .digest(let name, let expected, let found):
      Explanation(
        what: "cannot stage \(printable(name))",
        why: "its bytes are not those it names: digest \(found.text) instead of \(expected.text)",
        remedy: "get the image anew")
    case .noRoom(let name, let size, let cache, let why):
      Explanation(
        what: "cannot stage \(printable(name)), \(StagingText.size(size)), in \(printable(cache))", why: why,
        remedy: "`apus slurm cache list` on the node shows what is there; on_full=direct runs images in place"
      )
    case .write(let name, let cache, let fault):
      Explanation(
        what: "cannot stage \(printable(name)) in \(printable(cache))", why: fault.explanation.why,
        remedy: fault.explanation.remedy)
    case .damaged(let name, let cache, let why):
      Explanation(
        what: "cannot stage \(printable(name)) in \(printable(cache))",
        why: "the copy \(why), and so did the one before it",
        remedy: "have the node's disk checked")
    }
  }
}
