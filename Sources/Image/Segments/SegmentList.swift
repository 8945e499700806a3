internal import Linux
internal import Squashfs

/// A segment that several hold: arrays and threads take copyable values only.
public final class HeldSegment: Sendable {
  let segment: Segment

  public init(_ segment: consuming Segment) { self.segment = segment }
}

/// The segments of an image's layers, in order.
public struct SegmentList: Sendable {
  private var segments: [HeldSegment] = []

  public init() {}

  public mutating func append(_ segment: HeldSegment) { segments.append(segment) }

  public var count: Int { segments.count }
  public var indexes: [LayerIndex] { segments.map { $0.segment.index } }

  func file(_ layer: Int) -> Int32 { segments[layer].segment.file.number }

  func blocks(_ layer: Int, _ content: Int) -> (start: Int, sizes: [StoredSize]) {
    segments[layer].segment.blocks[content]
  }

  func fragment(_ layer: Int, _ number: Int) -> (start: Int, stored: StoredSize) {
    segments[layer].segment.fragments[number]
  }
}
