internal import Glibc
internal import Linux

/// Writing files that only their owner may read.
enum PrivateFile {
  /// Puts `bytes` in place of the file at `path`: written beside it under a new name with mode 0600, synced,
  /// renamed. A link at `path` stays, and what it names is replaced. Folders that are missing are made with
  /// mode 0700.
  static func write(_ bytes: [UInt8], to path: String) throws(CredentialFault) {
    do throws(SystemCallFault) {
      let place = resolved(path)
      let folder = folder(of: place)
      try makeFolders(folder)
      let directory = try File.open(folder, O_RDONLY | O_DIRECTORY)
      let name = Array(
        place.utf8.suffix(
          from: place.utf8.lastIndex(of: 0x2F).map(place.utf8.index(after:)) ?? place.startIndex))
      let temporary = [0x2E] + name + Array(".\(getpid()).\(UInt64.random(in: 0 ... .max))".utf8)
      let file = try RawName.open(
        temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, in: directory.number)
      do throws(SystemCallFault) {
        let number = file.number
        try File.write(bytes, to: number, subject: path)
        guard fsync(number) == 0 else { throw SystemCallFault("fsync", path, errno) }
        try RawName.rename(temporary, in: directory.number, to: name, in: directory.number)
      } catch {
        // What cannot be removed is an unreadable rest under a name nobody asks for.
        try? RawName.remove(temporary, isDirectory: false, in: directory.number)
        throw error
      }
    } catch { throw .unwritable(path: path, why: errorText(error.number)) }
  }

  /// Runs `body` while no other process of ours changes a file in the same folder. File systems without locks
  /// do without.
  static func lockingFolder<Value>(
    of path: String, _ body: () throws(CredentialFault) -> Value
  ) throws(CredentialFault) -> Value {
    let folder = folder(of: resolved(path))
    do throws(SystemCallFault) { try makeFolders(folder) } catch {
      throw .unwritable(path: path, why: errorText(error.number))
    }
    guard let directory = try? File.open(folder, O_RDONLY | O_DIRECTORY) else { return try body() }
    try? FileLock.acquire(directory)
    let value = try body()
    FileLock.release(directory)
    return value
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Where the file is once all links are followed; the path itself where there is none.
  private static func resolved(_ path: String) -> String {
    guard let real = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  private static func makeFolders(_ path: String) throws(SystemCallFault) {
    var missing: [String] = []
    var here = path
    while unsafe access(here, F_OK) != 0, here != "/", here != "." {
      missing.append(here)
      here = folder(of: here)
    }
    for folder in missing.reversed() {
      do throws(SystemCallFault) {
        try RawName.makeDirectory(Array(folder.utf8), mode: 0o700, in: AT_FDCWD)
      } catch { if error.number != EEXIST { throw error } }
    }
  }
}
