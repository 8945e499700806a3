internal import Glibc

/// Removes a directory with everything in it, by descriptors, following nothing. What cannot be removed stays.
public enum DirectoryRemoval {
  public static func remove(_ name: [UInt8], in directory: Int32) {
    if (try? RawName.remove(name, isDirectory: false, in: directory)) != nil { return }
    // A directory without permissions of its own hides its names even from its owner.
    if let facts = try? RawName.facts(name, in: directory), facts.kind == .directory,
      facts.mode & 0o700 != 0o700
    {
      try? RawName.changeMode(name, mode: 0o700, in: directory)
    }
    if let inner = try? RawName.open(name, O_RDONLY | O_DIRECTORY, in: directory) {
      for child in (try? RawName.names(in: inner.number)) ?? [] { remove(child, in: inner.number) }
    }
    try? RawName.remove(name, isDirectory: true, in: directory)
  }
}
