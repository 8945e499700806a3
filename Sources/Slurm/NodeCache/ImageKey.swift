public import Linux
internal import Model

/// The name that an image has in the node cache: the same for as long as the image is the same.
public struct ImageKey: Hashable, Sendable {
  /// 32 hexadecimal digits.
  public let name: String

  /// The key of an image file, by what fstat tells of it: a hit reads no byte of a shared file system.
  ///
  /// The time of change is part of it: no user can set it, so that a file that was written anew in place, with its old
  /// size and its old time of modification, has another key. Considered: the identifier in the SIF's header instead; it
  /// costs a read of the source at every step, squashfs files have none, and a copy that was edited keeps it.
  public init(_ source: FileFacts) {
    name = Hash.hexadecimal(
      of: [
        "file", String(source.device), String(source.inode), String(source.size),
        String(source.modifiedSeconds), String(source.modifiedNanoseconds), String(source.changedSeconds),
        String(source.changedNanoseconds),
      ].connected(by: " "))
  }

  /// The key of an object whose name stands for its content, as those of the user's cache: their times change with use.
  public init(object: String, size: Int) {
    name = Hash.hexadecimal(of: ["object", String(size), object].connected(by: " "))
  }

  /// nil for a text that is no key.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count == 32,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    name = String(text)
  }

  /// The key that a name of the cache belongs to, with what stands behind it; nil for other names.
  init?(ofName name: String, suffix: String) {
    guard name.utf8.count == 32 + suffix.utf8.count,
      name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    else { return nil }
    self.init(name[..<name.utf8.index(name.startIndex, offsetBy: 32)])
  }
}
