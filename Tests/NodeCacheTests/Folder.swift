import Glibc
import Linux
import Model
import Testing

@testable import NodeCache

/// One after the other: a program that a test starts has the descriptors of all others, and with them their locks, until
/// it runs.
@Suite(.serialized) enum NodeCacheTests {}

/// A cache directory under /tmp for one test, removed at its end.
final class Folder: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/apus-node-XXXXXX".utf8CString)
    path = try #require(mkdtemp(&template).map { String(cString: $0) })
  }

  deinit { _ = system("rm -rf \(path)") }

  func cache() throws -> NodeCache { try NodeCache.open(path) }

  /// Everything in the user's folder.
  func names() throws -> [String] { try File.names(in: try cache().folder).sorted() }

  /// Puts a copy of that many bytes there, last used some minutes ago.
  func put(_ name: String, bytes: Int, minutesAgo: Int = 0) throws -> ImageKey {
    let key = ImageKey(object: name, size: bytes)
    let names = NodeCache.names(of: key)
    let folder = try cache().path
    let content = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let image = try File.open("\(folder)/\(names.image)", O_RDWR | O_CREAT | O_EXCL, mode: 0o400)
    try File.write(content, to: image.number)
    let record = CopyRecord(
      digest: "sha256:" + String(repeating: "0", count: 64), size: bytes,
      start: try ImageSample.start(of: image.number),
      sample: try ImageSample.sum(of: image.number, size: bytes), source: "/images/\(name)",
      copiedSeconds: time(nil))
    let file = try File.open("\(folder)/\(names.record)", O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
    try File.write(Array(record.json.text().utf8), to: file.number)
    let then = timespec(tv_sec: time(nil) - minutesAgo * 60, tv_nsec: 0)
    futimens(file.number, [then, then])
    return key
  }

  /// Where the copy lies.
  func image(_ key: ImageKey) throws -> String { try cache().path + "/" + NodeCache.names(of: key).image }
  func record(_ key: ImageKey) throws -> String { try cache().path + "/" + NodeCache.names(of: key).record }
}

/// The cache opened anew for each question: what cannot be copied cannot stand in an expectation.
extension Folder {
  /// A look-up as a word, without holding what was found.
  func outcome(_ key: ImageKey, _ verification: Verification = .stat) throws -> String {
    switch try cache().find(key, verification) {
    case .found: "found"
    case .missing: "missing"
    case .damaged: "damaged"
    }
  }

  func found(_ key: ImageKey) throws -> StagedImage {
    guard case .found(let image) = try cache().find(key) else { throw Missing() }
    return image
  }

  func lock(_ key: ImageKey) throws -> CopyLock {
    guard case .held(let lock) = try cache().tryLock(key) else { throw Missing() }
    return lock
  }

  func isLocked(_ key: ImageKey) throws -> Bool {
    guard case .busy = try cache().tryLock(key) else { return false }
    return true
  }

  func holder(_ key: ImageKey) throws -> CopyProgress? {
    guard case .busy(let progress) = try cache().tryLock(key) else { return nil }
    return progress
  }

  func entries() throws -> [NodeCacheEntry] { try cache().entries() }
  func copies() throws -> [CopyProgress] { try cache().copies().map { $0.progress } }
  func remove(_ key: ImageKey) throws -> Bool { try cache().remove(key) }

  func makeRoom(for size: Int, most: Int) throws -> Room {
    let key = ImageKey(object: "next", size: size)
    return try cache().makeRoom(for: size, of: key, limits: CacheLimits(most: .bytes(most)))
  }
}

/// What `#require` cannot say of values that cannot be copied.
struct Missing: Error {}
