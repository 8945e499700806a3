import Cache
import Content
import Glibc
import Linux
import Testing

/// One after the other: a program that a test starts has the descriptors of all others, and with them their
/// locks, until it runs.
@Suite(.serialized) enum CacheTests {}

/// A directory under /tmp for one test, removed at its end.
final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/apus-cache-XXXXXX".utf8CString)
    path = try #require(mkdtemp(&template).map { String(cString: $0) })
  }

  deinit { _ = system("rm -rf \(path)") }

  func cache(limit: Int? = nil, stores: [String] = []) throws -> CacheDirectory {
    try CacheDirectory.open(path: path + "/cache", limit: limit, stores: stores)
  }

  /// The names in a directory of the cache, hidden ones too.
  func names(_ kind: String) throws -> [String] {
    let directory = try File.open(path + "/cache/" + kind, O_RDONLY | O_DIRECTORY)
    return try File.names(in: directory).sorted()
  }
}

extension CacheDirectory {
  /// Publishes an object with this content, last used some hours ago.
  func put(_ kind: CacheKind, _ name: String, _ text: String, hoursAgo: Int = 0) throws {
    var object = try create(kind, name)
    try File.write(Array(text.utf8), to: object.number)
    try object.publish()
    if hoursAgo > 0 {
      let then = timespec(tv_sec: time(nil) - hoursAgo * 3600, tv_nsec: 0)
      #expect(utimensat(AT_FDCWD, "\(path)/\(kind.rawValue)/\(name)", [then, then], 0) == 0)
    }
  }

  func finds(_ kind: CacheKind, _ name: String) -> Bool {
    if find(kind, name) != nil { true } else { false }
  }

  /// Bytes of a download that nobody else is at.
  func partialSize(_ name: String) throws -> Int? { try openPartial(name)?.size }

  func text(_ kind: CacheKind, _ name: String) throws -> String? {
    guard let file = find(kind, name) else { return nil }
    return String(decoding: try File.readAll(file, limit: 1 << 20), as: UTF8.self)
  }
}

/// A program of its own, for what happens when one dies.
final class Helper {
  private let pid: Int32

  init(_ script: String) throws {
    pid = try Process.spawn("/bin/sh", ["-c", script], environment: ["PATH=/usr/bin:/bin"])
  }

  func kill() {
    _ = Glibc.kill(pid, SIGKILL)
    _ = try? Process.wait(pid)
  }
}

/// Asks again until something holds, for two seconds at most.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<200 {
    if condition() { return true }
    usleep(10_000)
  }
  return condition()
}

/// What `#require` cannot say of values that cannot be copied.
struct Missing: Error { let what: String }

/// Seconds of a clock that nobody sets.
func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
