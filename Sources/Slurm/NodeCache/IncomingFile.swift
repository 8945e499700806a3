public import Linux
internal import Model

/// A file that Slurm's broadcast has put on this node, to be taken for the node's copy of an image.
///
/// `CACHE_DIR/incoming.UID.IMAGE.DIGEST`: whoever submits writes it there before any step has made the user's folder.
/// IMAGE stands for what fstat says of the source on every node alike: devices have other numbers elsewhere.
public struct IncomingFile: Equatable, Sendable {
  public let path: String
  /// `sha256:…` of all bytes, as the sender computed it.
  public let digest: String

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
    guard let folder = try? File.open(directory), let names = try? File.names(in: folder),
      let name = names.first(where: {
        $0.starts(withBytesOf: start) && $0.utf8.count == start.utf8.count + 64
      })
    else { return nil }
    return IncomingFile(
      path: directory + "/" + name, digest: "sha256:" + (String(name.utf8.dropFirst(start.utf8.count)) ?? ""))
  }

  private static func prefix(_ source: FileFacts, _ uid: UInt32) -> String {
    let image = Hash.hexadecimal(
      of: [
        "incoming", String(source.inode), String(source.size), String(source.modifiedSeconds),
        String(source.modifiedNanoseconds),
      ].connected(by: " "))
    return "incoming.\(uid).\(image)."
  }
}
