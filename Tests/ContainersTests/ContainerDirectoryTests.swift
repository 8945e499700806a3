import Foundation
import ImageMount
import Linux
import Synchronization
import Testing

@testable import Containers

/// The directory of a container, without a container.
@Suite struct ContainerDirectoryTests {
  /// A runtime directory as $XDG_RUNTIME_DIR names one.
  static func withPlace(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/apus-oci-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  static func names(_ place: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: place + "/apus/oci")) ?? []).sorted()
  }

  static func fault(_ body: () throws -> Void) -> ContainerFault? {
    do { try body() } catch { return error as? ContainerFault }
    return nil
  }

  @Test func `an ID is made once, and is free again when it is deleted`() throws {
    let id = try ContainerID("one")
    let uid = geteuid()
    try Self.withPlace { place in
      let first = try ContainerDirectory.create(id, on: .bundles(uid: uid, xdg: place))
      try first.write(ContainerRecord(bundle: "/b", annotations: []))
      #expect(first.state()?.status == .creating)
      #expect(
        Self.fault { _ = try ContainerDirectory.create(id, on: .bundles(uid: uid, xdg: place)) }
          == .busy(id: "one"))
      try first.commit()
      #expect(first.state()?.status == .stopped)
      _ = consume first
      #expect(
        Self.fault { _ = try ContainerDirectory.create(id, on: .bundles(uid: uid, xdg: place)) }
          == .exists(id: "one"))
      try ContainerDirectory.find(id, on: .bundles(uid: uid, xdg: place)).delete(force: false)
      #expect(!FileManager.default.fileExists(atPath: place + "/apus/oci"))
      #expect(
        Self.fault { _ = try ContainerDirectory.find(id, on: .bundles(uid: uid, xdg: place)) }
          == .unknown(id: "one"))
      let again = try ContainerDirectory.create(id, on: .bundles(uid: uid, xdg: place))
      again.remove()
    }
  }

  @Test func `what a killed create has left is no container, and goes with the next`() throws {
    let id = try ContainerID("one")
    let uid = geteuid()
    try Self.withPlace { place in
      let killed = try ContainerDirectory.create(id, on: .bundles(uid: uid, xdg: place))
      try killed.write(ContainerRecord(bundle: "/b", annotations: []))
      _ = consume killed
      #expect(Self.names(place) == ["one"])
      // Programs that other tests are about to start hold copies of the lock until they are executed.
      var state = try ContainerDirectory.find(id, on: .bundles(uid: uid, xdg: place)).state()
      for _ in 0..<100 where state != nil {
        usleep(10_000)
        state = try ContainerDirectory.find(id, on: .bundles(uid: uid, xdg: place)).state()
      }
      #expect(state == nil)
      let next = try ContainerDirectory.create(id, on: .bundles(uid: uid, xdg: place))
      let isClean = !next.holds(ContainerDirectory.unfinishedName)
      #expect(isClean)
      try next.write(ContainerRecord(bundle: "/b", annotations: []))
      _ = consume next
      #expect(
        Self.fault {
          try ContainerDirectory.find(id, on: .bundles(uid: uid, xdg: place)).delete(force: false)
        }
          == .unknown(id: "one"))
      #expect(Self.names(place) == [])
    }
  }

  @Test func `an instance that has ended gives its name back`() throws {
    let id = try ContainerID("one")
    try Self.withPlace { place in
      let shelf = ContainerShelf(
        uid: geteuid(), places: [place + "/apus"], folder: "some", forgetsEnded: true)
      func make(pid: Int32, ticks: UInt64) throws {
        let container = try ContainerDirectory.create(id, on: shelf)
        try container.write(ContainerRecord(bundle: "/b", annotations: [], pid: pid, startTicks: ticks))
        try container.commit()
      }
      let ticks = try #require(Linux.Process.startTicks(of: getpid()))
      try make(pid: getpid(), ticks: ticks + 1)
      #expect(try shelf.states().isEmpty)
      #expect(!FileManager.default.fileExists(atPath: place + "/apus/some"))
      try make(pid: getpid(), ticks: ticks + 1)
      try make(pid: getpid(), ticks: ticks)
      #expect(try shelf.states().map(\.id.text) == ["one"])
      #expect(Self.fault { try make(pid: getpid(), ticks: ticks) } == .exists(id: "one"))
      try ContainerDirectory.find(id, on: shelf).removeEnded()
      #expect(try shelf.states().count == 1)
      // One that is being made is not swept away.
      let other = try ContainerDirectory.create(ContainerID("two"), on: shelf)
      #expect(try shelf.states().count == 1)
      #expect(FileManager.default.fileExists(atPath: place + "/apus/some/two"))
      other.remove()
    }
  }

  @Test func `a runtime directory that is a link, open to others or another user's is none of ours`() throws {
    let id = try ContainerID("one")
    try Self.withPlace { place in
      let shelf = ContainerShelf(
        uid: geteuid(), places: [place + "/apus"], folder: "oci", forgetsEnded: false)
      let container = try ContainerDirectory.create(id, on: shelf)
      try container.write(ContainerRecord(bundle: "/b", annotations: []))
      try container.commit()
      #expect(try shelf.states().count == 1)
      chmod(place + "/apus", 0o755)
      #expect(try shelf.states().isEmpty)
      #expect(Self.fault { _ = try ContainerDirectory.find(id, on: shelf) } == .unknown(id: "one"))
      chmod(place + "/apus", 0o700)
      symlink(place + "/apus", place + "/link")
      let linked = ContainerShelf(
        uid: geteuid(), places: [place + "/link"], folder: "oci", forgetsEnded: false)
      #expect(try linked.states().isEmpty)
      if geteuid() == 0 {
        // The folder in it is still the user's own.
        chown(place + "/apus", 65534, 65534)
        #expect(try shelf.states().isEmpty)
      }
    }
  }

  @Test func `one ID in two places is two containers, and what a killed create left there is none`() throws {
    let id = try ContainerID("one")
    try Self.withPlace { place in
      func shelf(_ names: String...) -> ContainerShelf {
        ContainerShelf(
          uid: geteuid(), places: names.map { place + "/" + $0 }, folder: "oci", forgetsEnded: false)
      }
      for name in ["a", "b"] {
        let container = try ContainerDirectory.create(id, on: shelf(name))
        try container.write(ContainerRecord(bundle: "/" + name, annotations: []))
        try container.commit()
      }
      #expect(try shelf("a", "b").states().map(\.record.bundle) == ["/a", "/b"])
      #expect(Self.fault { _ = try ContainerDirectory.create(id, on: shelf("c", "b")) } == .exists(id: "one"))
      try FileManager.default.removeItem(atPath: place + "/b/oci/one/state")
      let next = try ContainerDirectory.create(id, on: shelf("c", "b"))
      next.remove()
    }
  }

  @Test func `a process is told from another that gets its number`() throws {
    let ticks = try #require(Linux.Process.startTicks(of: getpid()))
    var record = ContainerRecord(bundle: "/b", annotations: [], pid: getpid(), startTicks: ticks)
    #expect(ContainerProcess.isAlive(record))
    record.startTicks += 1
    #expect(!ContainerProcess.isAlive(record))
    #expect(Linux.Process.startTicks(of: 1) == nil)
    #expect(Linux.Process.startTicks(of: 0) == nil)
  }

  @Test func `the daemons read a shared bundle that was made under a narrow umask`() throws {
    try Self.withPlace { place in
      // The mask of this thread alone (unshare(2), CLONE_FS): other tests run beside it.
      let outcome = Mutex<Result<String, any Error>?>(nil)
      let thread = Thread {
        let made = Result {
          try Namespace.unshare(NamespaceKinds(rawValue: CLONE_FS))
          umask(0o077)
          return try BundleFolder.shared(below: place, uid: geteuid()).bundle(standingFor: "/srv/x.sif")
        }
        outcome.withLock { $0 = made }
      }
      thread.start()
      while !thread.isFinished { usleep(1000) }
      let path = try #require(outcome.withLock { $0 }).get()
      func mode(_ path: String) throws -> UInt32 { try File.facts(path).mode }
      #expect(try mode(place + "/\(geteuid())") == 0o755)
      #expect(try mode(path) == 0o755)
      #expect(try mode(path + "/config.json") == 0o644)
      // One that was made with too narrow a mode is mended.
      chmod(path, 0o700)
      chmod(path + "/config.json", 0o600)
      #expect(try BundleFolder.shared(below: place, uid: geteuid()).bundle(standingFor: "/srv/x.sif") == path)
      #expect(try mode(path) == 0o755)
      #expect(try mode(path + "/config.json") == 0o644)
    }
  }

  @Test func `one folder of bundles has one directory an image`() throws {
    try Self.withPlace { place in
      let folder = try BundleFolder.own(runtime: place + "/apus", uid: geteuid())
      let path = try folder.bundle(standingFor: "/srv/x.sif")
      #expect(try folder.bundle(standingFor: "/srv/x.sif") == path)
      #expect(try folder.bundle(standingFor: "/srv/y.sif") != path)
      #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["config.json"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: place + "/apus/bundles").count == 2)
      let shared = try BundleFolder.shared(below: place, uid: geteuid())
      #expect(try shared.bundle(standingFor: "/srv/x.sif").hasPrefix(place + "/\(geteuid())/"))
      chmod(place + "/\(geteuid())", 0o777)
      #expect(Self.fault { _ = try BundleFolder.shared(below: place, uid: geteuid()) } != nil)
    }
  }
}
