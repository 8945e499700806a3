internal import Bundle
internal import Glibc
internal import ImageMount
internal import Linux
internal import Model

/// A user's folder of bundles that stand for images: one directory an image, used again, with nothing in it but a
/// config.json.
public struct BundleFolder: ~Copyable {
  private let path: String
  private let directory: Descriptor
  /// Of the directories in it.
  private let mode: UInt32

  /// In the runtime directory of the user: seen on this host only.
  public static func own(runtime: String, uid: UInt32) throws(ContainerFault) -> BundleFolder {
    do throws(RuntimeDirectoryFault) {
      let directory = try RuntimeDirectory.make(runtime, below: "bundles", uid: uid)
      return BundleFolder(path: runtime + "/bundles", directory: directory, mode: 0o700)
    } catch { throw .place(error) }
  }

  /// `path`/UID, which the daemons of every node read, maybe as a root that is nobody on the file system.
  public static func shared(below path: String, uid: UInt32) throws(ContainerFault) -> BundleFolder {
    let own = path + "/\(uid)"
    do throws(SystemCallFault) {
      let directory = try make(own, from: AT_FDCWD, mode: 0o755)
      let facts = try File.facts(directory)
      guard facts.uid == uid, facts.mode & 0o022 == 0 else {
        throw SystemCallFault("open", own, EPERM)
      }
      try open(directory, to: 0o755)
      return BundleFolder(path: own, directory: directory, mode: 0o755)
    } catch { throw .system(error) }
  }

  /// The path of the directory that stands for an image, made where it is not there.
  public func bundle(standingFor image: String) throws(ContainerFault) -> String {
    let name = Hash.hexadecimal(of: image)
    let text = Array(Bundle.text(standingFor: image).utf8)
    do throws(SystemCallFault) {
      let folder = try Self.make(name, from: directory.number, mode: mode)
      try Self.open(folder, to: mode)
      let fileMode = mode & 0o666
      let there = try? File.readAll(Bundle.fileName, limit: 1 << 20, from: folder.number)
      let facts = try? File.facts(Bundle.fileName, from: folder.number)
      if there != text || facts.map({ $0.mode & fileMode != fileMode }) ?? true {
        // Written beside the directory, so that there is never anything else in it.
        let unfinished = ".\(name).\(getpid())"
        let file = try File.open(
          unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: fileMode, from: directory.number)
        try Self.open(file, to: fileMode)
        try File.write(text, to: file.number, subject: unfinished)
        let (from, to) = (directory.number, folder.number)
        try retrying("rename", unfinished) { unsafe renameat(from, unfinished, to, Bundle.fileName) }
      }
    } catch { throw .system(error) }
    return path + "/" + name
  }

  /// Gives the mode that the caller's umask has cut: on login nodes it is 077, and the daemons must read all of it.
  private static func open(_ file: borrowing Descriptor, to mode: UInt32) throws(SystemCallFault) {
    let has = try File.facts(file).mode
    guard has & mode != mode else { return }
    let number = file.number
    try retrying("fchmod") { fchmod(number, has | mode) }
  }

  private static func make(
    _ path: String, from base: Int32, mode: UInt32
  ) throws(SystemCallFault) -> Descriptor {
    do throws(SystemCallFault) {
      try retrying("mkdir", path) { unsafe mkdirat(base, path, mode) }
    } catch { if error.number != EEXIST { throw error } }
    return try File.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: base)
  }
}
