import Glibc
import Linux
import Testing

@testable import Tree

private let folder = Tree.Node(.directory([]), mode: 0o755)
private func file(_ text: String) -> Tree.Node { Tree.Node(.file(.bytes(Array(text.utf8))), mode: 0o644) }
private func link(_ target: String) -> Tree.Node { Tree.Node(.link(target: Array(target.utf8)), mode: 0o777) }

@Suite struct TreePathTests {
  @Test(arguments: [
    ("/usr/bin/sh", true), ("/bin/sh", true), ("/abs/sh", true), ("/usr/../bin/./sh", true),
    ("/../../bin/sh", true),
    ("/bin/none", false), ("/loop/x", false), ("/out/passwd", false),
  ])
  func `paths are resolved inside the tree`(path: String, isFound: Bool) throws {
    var tree = Tree()
    try tree.put(file("#!"), at: "/usr/bin/sh", directories: folder)
    for (name, target) in [
      ("/bin", "usr/bin"), ("/abs", "/usr/bin"), ("/loop", "loop"), ("/out", "../../../../etc"),
    ] { try tree.put(link(target), at: name, directories: folder) }
    #expect((tree.find(path) != nil) == isFound)
  }

  @Test func `entries stay in the order of their bytes and each name is there once`() throws {
    var tree = Tree()
    for name in ["b", "a", "C", "ab", "é", "a"] {
      try tree.put(file(name), at: "/" + name, replacing: true, directories: folder)
    }
    #expect(
      tree.entries(of: Tree.root).map { String(decoding: $0.name, as: UTF8.self) } == [
        "C", "a", "ab", "b", "é",
      ])
  }

  @Test func `what is there stays unless it is to be replaced`() throws {
    var tree = Tree()
    #expect(try tree.put(file("one"), at: "/x", directories: folder))
    #expect(try !tree.put(file("two"), at: "/x", directories: folder))
    guard let node = tree.find("/x"), case .file(.bytes(let bytes)) = tree.nodes[node].content else {
      Issue.record("no file")
      return
    }
    #expect(bytes == Array("one".utf8))
  }

  @Test func `a link inside the tree is followed when something is put below it`() throws {
    var tree = Tree()
    _ = try tree.makeDirectory("/private/etc", like: folder)
    try tree.put(link("private/etc"), at: "/etc", directories: folder)
    try tree.put(file(""), at: "/etc/hosts", directories: folder)
    #expect(tree.find("/private/etc/hosts") != nil)
  }

  @Test func `nothing is put below a file or a dangling link`() throws {
    var tree = Tree()
    try tree.put(file(""), at: "/file", directories: folder)
    try tree.put(link("/nowhere"), at: "/dangling", directories: folder)
    #expect(throws: TreeFault.notADirectory(path: "/file")) {
      try tree.put(file(""), at: "/file/x", directories: folder)
    }
    #expect(throws: TreeFault.notADirectory(path: "/dangling")) {
      try tree.put(file(""), at: "/dangling/x", directories: folder)
    }
  }
}

@Suite struct ScannerTests {
  private static func inFolder(_ lines: String, _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/apus-tree-XXXXXX".utf8CString)
    _ = try #require(mkdtemp(&template))
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { _ = system("chmod -R u+rwX '\(path)'; rm -rf '\(path)'") }
    try #require(system("cd '\(path)' && set -e && \(lines)") == 0)
    try body(path)
  }

  @Test func `every kind of object is found with its facts`() throws {
    try Self.inFolder(
      "mkdir d; printf abc > d/f; chmod 4711 d/f; ln d/f g; ln -s /etc/passwd l; mkfifo p; touch -d @5 d/f"
    ) { path in
      let (tree, omissions) = try Scanner.scan(try File.open(path, O_RDONLY | O_DIRECTORY))
      #expect(omissions.isEmpty)
      let one = try #require(tree.find("/d/f"))
      #expect(tree.find("/g") == one)
      #expect(tree.nodes[one].mode == 0o4711)
      #expect(tree.nodes[one].modified == 5)
      let link = try #require(tree.find("/l", following: false))
      guard case .link(let target) = tree.nodes[link].content else {
        Issue.record("no link")
        return
      }
      #expect(target == Array("/etc/passwd".utf8))
    }
  }

  @Test(arguments: [
    ("rm f", "vanished"), (": > f", "shrank"), ("mv keep f", "was replaced"),
    ("rm f; ln -s /etc/passwd f", "became a link"), ("rm f; mkfifo f", "became a pipe"),
  ])
  func `a file that changed after the scan is a fault that names it`(change: String, name: String) throws {
    try Self.inFolder("mkdir d; printf abc > d/f; printf xyz > d/keep") { path in
      let (tree, _) = try Scanner.scan(try File.open(path, O_RDONLY | O_DIRECTORY))
      try #require(system("cd '\(path)/d' && \(change)") == 0)
      guard let node = tree.find("/d/f"), case .file(let content) = tree.nodes[node].content else {
        Issue.record("no file")
        return
      }
      var fault: TreeFault?
      var bytes = [UInt8](repeating: 0, count: 3)
      do {
        try bytes.withUnsafeMutableBytes { try content.open().read(at: 0, into: $0) }
      } catch { fault = error as? TreeFault }
      switch fault {
      case .changed(let path), .call(let path, _): #expect(path == "/d/f")
      default: Issue.record("no fault, or one without the path: \(String(describing: fault))")
      }
    }
  }

  @Test(arguments: [
    ("user.mine", true), ("security.capability", true), ("trusted.mine", true),
    ("user.overlay.opaque", false),
    ("trusted.overlay.redirect", false), ("security.selinux", false), ("system.posix_acl_access", false),
    ("user.rootlesscontainers", false),
  ])
  func `attributes are kept by their meaning`(name: String, isKept: Bool) {
    #expect(TreeAttribute.isKept(Array(name.utf8)) == isKept)
  }
}
