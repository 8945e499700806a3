internal import Codec
internal import Content
internal import Glibc
internal import Linux
internal import Squashfs

/// Unpacks an image into a directory that appears under its name only when it is complete.
public enum Sandbox {
  public struct Result: Sendable {
    public let inodeCount: Int
    /// What the caller was not allowed to make: sentences for warnings.
    public let omissions: [String]
  }

  public static func make(
    _ target: String, fromImage path: String, replaces: Bool
  ) throws(BuildFault) -> Result {
    do throws(BuildFault) { return try unpack(target, path, replaces) } catch {
      throw error.measured(cache: nil, scratch: nil)
    }
  }

  private static func unpack(
    _ target: String, _ path: String, _ replaces: Bool
  ) throws(BuildFault) -> Result {
    let (parent, name) = OutputFile.split(target)
    let directory: Descriptor
    do throws(SystemCallFault) { directory = try File.open(parent, O_RDONLY | O_DIRECTORY) } catch {
      throw .output(path: parent, error)
    }
    var exists = false
    if let facts = try? File.facts(name, from: directory.number, following: false) {
      guard replaces else { throw .targetExists(path: target) }
      guard facts.kind == .directory else { throw .targetIsNoDirectory(path: target) }
      exists = true
    }
    let source = try ImageSource(path)
    let size = source.size
    Unfinished.removeAbandoned(of: name, in: directory.number)
    let hidden = Array(Unfinished.name(for: name).utf8)
    let last = Array(name.utf8)
    var omissions: [String] = []
    do throws(BuildFault) {
      do throws(SystemCallFault) {
        try RawName.makeDirectory(hidden, mode: 0o700, in: directory.number)
      } catch { throw .output(path: target, error) }
      let root: Descriptor
      do throws(SystemCallFault) {
        root = try RawName.open(hidden, O_RDONLY | O_DIRECTORY, in: directory.number)
      } catch { throw .output(path: target, error) }
      Unfinished.claim(root)
      omissions = try Unpacker.unpack(source.image, path: path, into: root.number)
      do throws(SystemCallFault) {
        if exists {
          try replace(last, by: hidden, in: directory.number)
        } else {
          try RawName.rename(hidden, in: directory.number, to: last, in: directory.number)
        }
      } catch { throw .output(path: target, error) }
    } catch {
      DirectoryRemoval.remove(hidden, in: directory.number)
      // Decompressed it is no smaller.
      throw error.unpacking(target, size: size)
    }
    return Result(inodeCount: Int(source.image.superblock.inodeCount), omissions: omissions)
  }

  /// Puts the new directory in the place of the old one, which goes. In one step where the file system can.
  private static func replace(_ last: [UInt8], by hidden: [UInt8], in directory: Int32)
    throws(SystemCallFault)
  {
    do throws(SystemCallFault) {
      try RawName.exchange(hidden, last, in: directory)
      return DirectoryRemoval.remove(hidden, in: directory)
    } catch {
      guard [EINVAL, ENOSYS, EOPNOTSUPP].contains(error.number) else { throw error }
    }
    let old = hidden + Array("-old".utf8)
    try RawName.rename(last, in: directory, to: old, in: directory)
    do throws(SystemCallFault) {
      try RawName.rename(hidden, in: directory, to: last, in: directory)
    } catch {
      // The old directory goes back to its name; if even that fails it is still there under the other.
      try? RawName.rename(old, in: directory, to: last, in: directory)
      throw error
    }
    DirectoryRemoval.remove(old, in: directory)
  }
}
