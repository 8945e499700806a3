public import Content
public import Model

/// Why a layer cannot be read or applied.
public enum LayerFault: Error, Equatable, Sendable {
  /// Its bytes did not come, or are not those that were promised.
  case content(ContentFault)
  /// An entry is refused. `layer`: its number or digest, `entry`: its path or where it starts, both as they
  /// stand.
  case entry(layer: String, entry: String, EntryFault)
  /// More owners and groups than a squashfs can name.
  case tooManyOwners(layer: String, limit: Int)
}

extension LayerFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .content(let fault): fault.explanation
    case .entry(let layer, let entry, let fault):
      Explanation(
        what: "cannot use \(printable(entry)) of layer \(printable(layer))", why: fault.sentence,
        remedy: fault.remedy)
    case .tooManyOwners(let layer, let limit):
      Explanation(
        what: "cannot use layer \(printable(layer))",
        why:
          "with it the image has more than \(limit) different owners and groups, the most a squashfs holds",
        remedy: "change the owners when the image is made (chown -R)")
    }
  }
}
