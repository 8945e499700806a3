internal import Linux

/// An amount of space as the site's `cache_max` says it: `80%` of the file system, or `200G`.
public enum SpaceLimit: Equatable, Sendable {
  case percent(Int)
  case bytes(Int)

  /// nil for a text of another form. K, M, G, T and P are powers of 1024; a B behind them, or `iB`, changes nothing.
  public init?(_ text: String) {
    if text.utf8.last == UInt8(ascii: "%") {
      guard let percent = Int(text.dropLast()), (1...100).contains(percent) else { return nil }
      self = .percent(percent)
      return
    }
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard let number = Int(digits) else { return nil }
    var unit = text.dropFirst(digits.count).lowercased()
    if unit.utf8.last == UInt8(ascii: "b") { unit.removeLast() }
    if unit.utf8.count == 2, unit.utf8.last == UInt8(ascii: "i") { unit.removeLast() }
    let shifts: [(String, Int)] = [("", 0), ("k", 10), ("m", 20), ("g", 30), ("t", 40), ("p", 50)]
    guard let shift = shifts.first(where: { $0.0 == unit })?.1 else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow else { return nil }
    self = .bytes(bytes)
  }

  /// What `init` reads as the same.
  public var text: String {
    switch self {
    case .percent(let percent): "\(percent)%"
    case .bytes(let bytes): "\(bytes)"
    }
  }

  func bytes(of volume: Volume) -> Int {
    switch self {
    case .percent(let percent): volume.size / 100 * percent
    case .bytes(let bytes): bytes
    }
  }
}

/// What the site allows the node cache of a user to take.
public struct CacheLimits: Equatable, Sendable {
  /// What the copies of one user may take together.
  public var most: SpaceLimit
  /// Bytes of the file system that stay free for others.
  public var leastFree: Int

  public init(most: SpaceLimit = .percent(80), leastFree: Int = 0) {
    self.most = most
    self.leastFree = leastFree
  }

  /// Whether an image fits at all, and how many bytes must go first. `isOnDisk`: its bytes are on the file system
  /// already, and only become a copy.
  func shortage(for size: Int, used: Int, volume: Volume, isOnDisk: Bool = false) -> Shortage {
    let most = most.bytes(of: volume)
    guard size <= most else { return .never(most: most) }
    return .bytes(max(0, used + size - most, (isOnDisk ? 0 : size) + leastFree - volume.free))
  }

  enum Shortage: Equatable {
    case bytes(Int)
    /// The image alone is larger than all that is allowed.
    case never(most: Int)
  }
}
