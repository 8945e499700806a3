import Glibc
import Linux
import Model
import Testing

@testable import NodeCache

extension NodeCacheTests {
  @Suite struct IncomingFileTests {
    static let digest = "sha256:" + String(repeating: "a1", count: 32)

    /// The name for a source that is made, in the directory of `folder`.
    private func sent(_ folder: Folder) throws -> (source: FileFacts, path: String) {
      _ = system("echo image > \(folder.path)/source.sif")
      let source = try File.facts(folder.path + "/source.sif")
      return (source, IncomingFile.path(of: source, digest: Self.digest, in: folder.path, uid: geteuid()))
    }

    @Test(arguments: [
      (": > $file", true), ("true", false), ("mkdir $file", false), ("ln -s /etc/passwd $file", false),
      ("mkfifo $file", false), (": > ${file}0", false),
    ])
    func `what was sent is found if it is a file`(how: String, isFound: Bool) throws {
      let folder = try Folder()
      let (source, path) = try sent(folder)
      #expect(system("file=\(path); \(how)") == 0)
      let found = IncomingFile.find(source, in: folder.path, uid: geteuid())
      #expect((found?.path == path) == isFound)
      #expect((found?.digest == Self.digest) == isFound)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
    func `another's file with that name is passed over`() throws {
      let folder = try Folder()
      let (source, path) = try sent(folder)
      let other = String(path.dropLast(64)) + String(repeating: "0", count: 64)
      #expect(system(": > \(path); : > \(other); chown 54321 \(other)") == 0)
      #expect(IncomingFile.find(source, in: folder.path, uid: 0)?.path == path)
    }

    @Test func `a source that is written anew in place has another name`() throws {
      let folder = try Folder()
      let (before, path) = try sent(folder)
      usleep(20_000)
      _ = system("echo other > \(folder.path)/source.sif")
      let then = timespec(tv_sec: before.modifiedSeconds, tv_nsec: before.modifiedNanoseconds)
      utimensat(AT_FDCWD, folder.path + "/source.sif", [then, then], 0)
      let now = try File.facts(folder.path + "/source.sif")
      #expect(now.size == before.size && now.modifiedNanoseconds == before.modifiedNanoseconds)
      #expect(IncomingFile.path(of: now, digest: Self.digest, in: folder.path, uid: geteuid()) != path)
    }

    @Test(arguments: [
      "", "/c/incoming.1", "/c/source.sif", "/c/incoming.0." + String(repeating: "g", count: 64),
    ])
    func `another name has no digest`(path: String) { #expect(IncomingFile(path: path) == nil) }

    @Test func `what nobody came for in a day goes, and only that`() throws {
      let folder = try Folder()
      let (_, fresh) = try sent(folder)
      let old = String(fresh.dropLast(64)) + String(repeating: "0", count: 64)
      let (uid, foreign) = (geteuid(), folder.path + "/incoming.\(geteuid() + 1).x")
      #expect(
        system("touch \(fresh); touch -d '2 days ago' \(old) \(foreign) \(folder.path)/else") == 0)
      let cache = try folder.cache()
      try cache.sweep()
      let names = try File.names(in: try File.open(folder.path)).sorted()
      #expect(
        names
          == [
            "\(uid)", "else", ContainerPath.lastComponent(fresh), ContainerPath.lastComponent(foreign),
            "source.sif",
          ]
          .sorted())
    }
  }
}
