/// What the cache holds; each kind is a folder of that name.
public enum CacheKind: String, CaseIterable, Sendable {
  /// Finished images.
  case images
  /// Layers as compressed blocks, ready to be put together.
  case segments
  /// Manifests and configurations, small.
  case manifests
  /// What a tag pointed to when it was last asked about.
  case tags
  /// Downloads that were cut off, kept to be resumed.
  case partial
  case locks

  /// The kinds that count against the size limit and may go when it is exceeded.
  static let evictable: [CacheKind] = [.images, .segments, .manifests, .partial]
  /// The kinds that a user sees.
  public static let shown: [CacheKind] = [.images, .segments, .manifests, .tags, .partial]
  /// The kinds that another cache can use.
  static let portable: [CacheKind] = [.images, .segments, .manifests, .tags]
}

/// Names of objects. They are digests with small additions; anything else never reaches the file system.
enum ObjectName {
  /// 1 to 200 lower-case hexadecimal digits, dashes and dots, the first no dot.
  static func isValid(_ name: some Collection<UInt8>) -> Bool {
    guard (1...200).contains(name.count), name.first != UInt8(ascii: ".") else { return false }
    return name.allSatisfy {
      (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == UInt8(ascii: "-")
        || $0 == UInt8(ascii: ".")
    }
  }

  static func check(_ name: String) throws(CacheFault) {
    guard isValid(name.utf8) else { throw .name(name) }
  }
}
