public import Linux
public import Model

/// Why a tree cannot be made or its contents not be read.
public enum TreeFault: Error, Equatable, Sendable {
  /// A system call failed on that path of the tree.
  case call(path: String, SystemCallFault)
  /// The file is not the one that was found before, or has become shorter.
  case changed(path: String)
  case tooDeep(path: String)
  case nameTooLong(path: String)
  /// A path of the tree leads through something that is no directory, or through too many links.
  case notADirectory(path: String)
  /// The bytes of the file are not in memory and not on this host: somebody asked in the wrong order.
  case notHere(path: String)
}

extension TreeFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .call(let path, let fault) where fault.number == 2:
      Explanation(
        what: "cannot read \(printable(path))", why: "it vanished while it was being read",
        remedy: "stop what writes into this directory and try again")
    case .call(let path, let fault):
      Explanation(
        what: "cannot read \(printable(path))", why: fault.explanation.why,
        remedy: fault.number == 13 ? "run as its owner or as root, or make it readable (chmod u+r)" : "")
    case .changed(let path):
      Explanation(
        what: "cannot read \(printable(path))", why: "it was changed or replaced while it was being read",
        remedy: "stop what writes into this directory and try again")
    case .tooDeep(let path):
      Explanation(
        what: "cannot read \(printable(path))", why: "it lies more than \(Tree.deepest) directories deep")
    case .nameTooLong(let path):
      Explanation(
        what: "cannot store \(printable(path))", why: "its name or target is longer than the format allows")
    case .notADirectory(let path):
      Explanation(
        what: "cannot place \(printable(path)) in the image",
        why: "it, or something above it, is no directory, or a link that leads to none",
        remedy: "make a directory of it where the image is made")
    case .notHere(let path):
      Explanation(
        what: "cannot read \(printable(path))",
        why: "its bytes are not in memory: this is a mistake in the order of Apus's own work",
        remedy: "report it with the command and the image")
    }
  }
}
