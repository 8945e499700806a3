import Glibc
import Testing

@testable import Linux

/// A directory with links that lead astray, beneath which paths are opened.
private func withRoot<T>(_ body: (Int32) throws -> T) throws -> T {
  var template = Array("/tmp/apus-test-XXXXXX".utf8CString)
  let path = try #require(mkdtemp(&template).map { String(cString: $0) })
  defer { _ = system("rm -rf \(path)") }
  let root = try File.open(path, O_RDONLY | O_DIRECTORY)
  for (name, target) in [
    ("up", "../../../../etc"), ("absolute", "/etc"), ("loop", "loop"), ("inside", "in/side"),
    ("deep", "absolute/hostname"),
    ("dangling", "/no/where"), ("dots", "in/../in/./side"),
  ] {
    symlinkat(target, root.number, name)
  }
  mkdirat(root.number, "in", 0o755)
  mkdirat(root.number, "etc", 0o755)
  for name in ["in/side", "etc/hostname"] {
    let file = try File.open(name, O_CREAT | O_WRONLY, mode: 0o644, from: root.number)
    try File.write(Array("of the root: \(name)".utf8), to: file.number)
  }
  return try body(root.number)
}

@Suite struct BeneathRootTests {
  /// A path and what is read there; nil: refused with this error number.
  static let table: [(path: String, content: String?, error: Int32)] = [
    ("in/side", "of the root: in/side", 0), ("/in/side", "of the root: in/side", 0),
    ("../../in/side", "of the root: in/side", 0), ("inside", "of the root: in/side", 0),
    ("dots", "of the root: in/side", 0), ("up/hostname", "of the root: etc/hostname", 0),
    ("absolute/hostname", "of the root: etc/hostname", 0), ("deep", "of the root: etc/hostname", 0),
    ("loop", nil, ELOOP), ("dangling", nil, ENOENT), ("in/side/below", nil, ENOTDIR), ("none", nil, ENOENT),
  ]

  @Test(arguments: table, [true, false])
  func `no path leads outside, by the kernel's walk and by our own`(
    row: (path: String, content: String?, error: Int32), byKernel: Bool
  ) throws {
    try withRoot { root in
      do throws(SystemCallFault) {
        let file =
          byKernel
          ? try BeneathRoot.open(row.path, O_RDONLY, root: root)
          : try BeneathRoot.walk(row.path, O_RDONLY, root: root)
        let bytes = try File.readAll(file, limit: 100)
        #expect(String(decoding: bytes, as: UTF8.self) == row.content)
      } catch {
        #expect(row.content == nil && error.number == row.error, "\(row.path): \(error)")
      }
    }
  }

  @Test func `directories and files are made beneath the root, through its links`() throws {
    try withRoot { root in
      try BeneathRoot.makeDirectories("/up/new/er", root: root)
      try BeneathRoot.makeFile("/absolute/made/file", root: root)
      for path in ["etc/new/er", "etc/made/file"] { _ = try File.facts(path, from: root, following: false) }
      // Making again what is there is no fault, and spares it.
      try BeneathRoot.makeFile("/in/side", root: root)
      #expect(try File.facts("in/side", from: root).size > 0)
    }
  }
}
