internal import Model
internal import Tree

/// Paths of entries: taken apart, never out of the root.
enum EntryPath {
  /// Bytes of a name (limits.h, NAME_MAX; "Squashfs Binary Format", section 4.5, holds one more).
  static let longestName = 255
  /// Bytes of a path as the archive has it. Paths longer than the kernel takes at once exist and can be
  /// reached.
  static let longest = 32 << 10
  /// Names of a path.
  static let deepest = Tree.deepest
  /// Bytes of the target of a link (limits.h, PATH_MAX, with the NUL).
  static let longestTarget = 4095

  /// The names of a path: empty ones and `.` are dropped, `..` drops the one before and ends at the root.
  static func clean(_ bytes: [UInt8]) throws(EntryFault) -> [[UInt8]] {
    guard !bytes.isEmpty else { throw .emptyName }
    guard bytes.count <= longest else { throw .pathTooLong }
    var names: [[UInt8]] = []
    for name in bytes.split(separator: 0x2F) {
      guard name.count <= longestName else { throw .nameTooLong }
      if name.elementsEqual([0x2E]) { continue }
      if name.elementsEqual([0x2E, 0x2E]) {
        _ = names.popLast()
        continue
      }
      names.append(Array(name))
    }
    guard names.count <= deepest else { throw .tooDeep }
    return names
  }

  /// The path for messages.
  static func text(_ names: [[UInt8]]) -> String {
    HostText.decode(Array(([[]] + (names.isEmpty ? [[]] : names)).joined(separator: [0x2F])))
  }
}
