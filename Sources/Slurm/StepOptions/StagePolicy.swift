/// How one image reaches the nodes of one step, and why.
public struct StageDecision: Equatable, Sendable {
  public enum Way: String, Equatable, Sendable {
    /// It is read where it lies.
    case direct
    /// Each node copies it into its cache.
    case node
    /// The first node's copy is sent to all.
    case sbcast
  }

  public let way: Way
  /// For `-v`: one clause.
  public let reason: String
}

/// The rules of staging.
public enum StagePolicy {
  /// Below this a copy costs more than it saves: a launch touches a part of an image only.
  public static let smallestCopy = 64 << 20
  /// Below this the shared file system serves all nodes at once faster than Slurm's daemons hand it on.
  public static let smallestBroadcast = 256 << 20

  /// `mode` nil: nobody said. `size` in bytes. `hasCache`: the site has a cache on its nodes.
  public static func decide(
    mode: StageMode?, size: Int, isNodeLocal: Bool, hasCache: Bool, nodes: Int, sbcastMinimum: Int
  ) -> StageDecision {
    func decision(_ way: StageDecision.Way, _ reason: String) -> StageDecision {
      StageDecision(way: way, reason: reason)
    }
    guard hasCache else {
      return decision(
        .direct, mode == .direct ? "stage=direct" : "the site has no cache on its nodes (cache_dir)")
    }
    switch mode {
    case .direct: return decision(.direct, "stage=direct")
    case .node: return decision(.node, "stage=node")
    case nil: return decision(.node, "the default with a cache on the nodes")
    case .sbcast:
      return nodes > 1
        ? decision(.sbcast, "stage=sbcast") : decision(.node, "stage=sbcast, and there is one node only")
    case .auto:
      if isNodeLocal { return decision(.direct, "the image lies on the node already") }
      if size < smallestCopy { return decision(.direct, "the image is smaller than 64 MiB") }
      guard nodes > 1, nodes >= sbcastMinimum, size >= smallestBroadcast else {
        return decision(.node, "fewer than \(sbcastMinimum) nodes, or less than 256 MiB")
      }
      return decision(.sbcast, "\(nodes) nodes and 256 MiB or more")
    }
  }
}
