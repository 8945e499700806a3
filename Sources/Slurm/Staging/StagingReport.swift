internal import Model
public import NodeCache

/// Decides when a node says how far its copy is: the first node of a step soon, others only when it takes long, so that
/// a step on a hundred nodes does not write a hundred lines.
public struct StagingReport: Sendable {
  /// Seconds until the first line, of the first node and of others.
  private static let patience = (first: 2.0, others: 15.0)
  /// Seconds between two lines; a tenth more of the image is told sooner, but not at once.
  private static let pause = 5.0
  private static let shortestPause = 1.0
  /// Seconds until a waiter says that it waits.
  private static let waitingPatience = 1.0

  private let node: String
  private let name: String
  private let size: Int
  private let isFirst: Bool
  private var toldSeconds: Double?
  private var toldBytes = 0

  /// `node` is the node's name, `nodeID` its number within the step, `name` that of the image.
  public init(node: String, nodeID: Int, name: String, size: Int) {
    self.node = node
    self.name = name
    self.size = size
    isFirst = nodeID == 0
  }

  private var start: String { printable("apus: " + (node.isEmpty ? "" : node + ": ")) }
  private var shortName: String { printable(ContainerPath.lastComponent(name)) }

  /// The line to print now, if any, `seconds` after the copy began.
  public mutating func copying(_ done: Int, seconds: Double) -> String? {
    guard seconds >= (isFirst ? Self.patience.first : Self.patience.others), done < size else { return nil }
    if let toldSeconds {
      let since = seconds - toldSeconds
      let isMore = done - toldBytes >= size / 10 && since >= Self.shortestPause
      guard since >= Self.pause || isMore else { return nil }
    }
    toldSeconds = seconds
    toldBytes = done
    let rate = StagingText.rate(done, seconds: seconds)
    return "\(start)staging \(shortName) \(StagingText.share(done, of: size)) \(rate)"
  }

  /// The same while another process copies.
  public mutating func waiting(for progress: CopyProgress?, seconds: Double) -> String? {
    guard seconds >= (isFirst ? Self.waitingPatience : Self.patience.others) else { return nil }
    if let toldSeconds, seconds - toldSeconds < Self.pause { return nil }
    toldSeconds = seconds
    guard let progress else { return "\(start)waiting for \(shortName), which another process stages" }
    let share = StagingText.share(progress.done, of: progress.size)
    return "\(start)waiting for \(shortName), which \(progress.owner) stages: \(share)"
  }

  /// The last line, of a copy that took long enough to be told of.
  public func finished(seconds: Double) -> String? {
    guard seconds > (isFirst ? Self.patience.first : Self.patience.others) else { return nil }
    let rate = StagingText.rate(size, seconds: seconds)
    return
      "\(start)staged \(shortName) \(StagingText.size(size)) in \(StagingText.seconds(seconds)), \(rate)"
  }
}
