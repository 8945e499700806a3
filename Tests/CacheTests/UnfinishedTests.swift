import Content
import Testing

extension CacheTests {
  @Suite struct UnfinishedTests {
    @Test(arguments: [
      (".a.apus-1", true), (".a.b-c.apus-4711", true), (".a.apus-12-3", true), (".a.apus-", false),
      (".a.apus", false), ("a.apus-1", false), (".a.apus-1x", false), (".apus", false), ("", false),
      (".as-12", false), (".a.opus-1", false),
    ])
    func `only names of the form that writers use are taken for theirs`(name: String, isTheirs: Bool) {
      #expect(Unfinished.isUnfinished(Array(name.utf8)) == isTheirs)
    }

    @Test func `the names that are made are of that form`() {
      #expect(Unfinished.isUnfinished(Array(Unfinished.name(for: "abc.sif").utf8)))
    }
  }
}
