import Model
import Testing

@Suite struct ContainerPathTests {
  @Test(arguments: [
    ("/", "/"), ("/a", "/a"), ("/a/b", "/a/b"), ("/a/", "/a"), ("//a", "/a"), ("/a//b", "/a/b"),
    ("/a/./b", "/a/b"),
    ("/a/../b", "/b"), ("/..", "/"), ("/../..", "/"), ("/a/.", "/a"), ("/a/..", "/"), ("/...", "/..."),
    ("/.a", "/.a"),
    ("/a.", "/a."), ("/a..b", "/a..b"), ("a", "/base/a"), ("../a", "/a"), (".", "/base"), ("", "/base"),
  ])
  func `a path is normalized`(path: String, normal: String) {
    #expect(ContainerPath.normalized(path, from: "/base") == normal)
  }

  @Test(arguments: [
    ("/", "/", "/"), ("/a", "/", "a"), ("/a/b", "/a", "b"), ("/a/b/", "/a", "b"), ("/a//b", "/a", "b"),
  ])
  func `a path has a parent and a last component`(path: String, parent: String, last: String) {
    #expect(ContainerPath.parent(path) == parent)
    #expect(ContainerPath.lastComponent(path) == last)
  }

  @Test func `below is decided by components`() {
    #expect(ContainerPath.isBelow("/scratch/a", "/scratch") && ContainerPath.isBelow("/a", "/"))
    #expect(!ContainerPath.isBelow("/scratch2", "/scratch"))
  }
}
