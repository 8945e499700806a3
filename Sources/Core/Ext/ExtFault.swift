public import Linux
public import Model

/// Why a file is refused as an ext file system.
public enum ExtFault: Error, Equatable, Sendable {
  case notExt
  /// It claims more than there is.
  case truncated(needs: Int, has: Int)
  case field(_ name: String, value: Int)
  case read(SystemCallFault)
}

extension ExtFault: Explained {
  public var explanation: Explanation {
    let what = "cannot read the ext file system"
    return switch self {
    case .notExt:
      Explanation(
        what: what, why: "it does not begin as one", remedy: "check the path; `file` tells what it is")
    case .truncated(let needs, let has):
      Explanation(
        what: what, why: "it has \(needs) bytes by its own account, and the file holds \(has)",
        remedy: "get it anew; a full disk or a broken transfer leaves such files")
    case .field(let name, let value):
      Explanation(what: what, why: "\(name) is \(value)", remedy: "e2fsck -f checks and repairs it")
    case .read(let fault): fault.explanation
    }
  }
}
