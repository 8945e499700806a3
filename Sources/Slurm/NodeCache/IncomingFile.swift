internal import Glibc
public import Linux
internal import Model

/// A file that Slurm's broadcast has put on this node, to be taken for the node's copy of an image.
///
/// `CACHE_DIR/incoming.UID.IMAGE.DIGEST`: whoever submits writes it there before any step has made the user's folder, so
/// its place is open to all. IMAGE stands for what fstat says of the source on every node alike: devices have other
/// numbers elsewhere.
public struct IncomingFile: Equatable, Sendable {
  public let path: String
  /// `sha256:…` of all bytes of this file, as the sender computed it: what a broadcast that went well gives.
  public let digest: String

  private static let digestDigits = 64
  /// Seconds after which nobody will come for it: no step starts that long after its broadcast.
  private static let patience = 24 * 3600

  /// nil: no name that `path` gives.
  public init?(path: String) {
    let name = ContainerPath.lastComponent(path)
    guard name.starts(withBytesOf: "incoming."), name.utf8.count > Self.digestDigits,
      let digits = String(name.utf8.suffix(Self.digestDigits)),
      digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    self.path = path
    digest = "sha256:" + digits
  }

  /// The name under which an image is sent.
  public static func path(
    of source: FileFacts, digest: String, in directory: String, uid: UInt32
  ) -> String {
    directory + "/" + prefix(source, uid)
      + (String(digest.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst()) ?? "")
  }

  /// The file that was sent for an image; nil: none was.
  public static func find(_ source: FileFacts, in directory: String, uid: UInt32) -> IncomingFile? {
    let start = prefix(source, uid)
    for (name, _) in own(in: directory, uid: uid)
    where name.starts(withBytesOf: start) && name.utf8.count == start.utf8.count + digestDigits {
      if let file = IncomingFile(path: directory + "/" + name) { return file }
    }
    return nil
  }

  public func remove() { _ = unsafe unlink(path) }

  /// Removes the user's files that nobody came for: steps that were cancelled, nodes that had the image already.
  public static func removeOld(in directory: String, uid: UInt32) {
    for (name, facts) in own(in: directory, uid: uid) where time(nil) - facts.modifiedSeconds > patience {
      _ = unsafe unlink(directory + "/" + name)
    }
  }

  /// The user's files there. Anybody may make names in that directory: what is another's is not looked at.
  private static func own(in directory: String, uid: UInt32) -> [(name: String, facts: FileFacts)] {
    guard let folder = try? File.open(directory, O_RDONLY | O_DIRECTORY),
      let names = try? File.names(in: folder)
    else { return [] }
    var files: [(name: String, facts: FileFacts)] = []
    for name in names where name.starts(withBytesOf: "incoming.\(uid).") {
      guard let facts = try? File.facts(name, from: folder.number, following: false), facts.kind == .file,
        facts.uid == uid
      else { continue }
      files.append((name, facts))
    }
    return files
  }

  /// With the time of change, as `ImageKey`: a source that was written anew in place is another image.
  private static func prefix(_ source: FileFacts, _ uid: UInt32) -> String {
    let image = Hash.hexadecimal(
      of: [
        "incoming", String(source.inode), String(source.size), String(source.modifiedSeconds),
        String(source.modifiedNanoseconds), String(source.changedSeconds),
        String(source.changedNanoseconds),
      ].connected(by: " "))
    return "incoming.\(uid).\(image)."
  }
}
