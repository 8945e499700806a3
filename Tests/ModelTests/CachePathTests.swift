import Testing

@testable import Model

@Suite struct CachePathTests {
  @Test(
    arguments: [
      (["APUS_CACHEDIR": "/a/", "APPTAINER_CACHEDIR": "/b", "HOME": "/h"], "/a"),
      (["APUS_CACHEDIR": "a", "HOME": "/h"], "/here/a"),
      (["APUS_CACHEDIR": "", "SINGULARITY_CACHEDIR": "/c", "HOME": "/h"], "/c/apus"),
      (["HOME": "/h"], "/h/.apus/cache"), (["HOME": "relative"], nil), ([:], nil),
    ] as [([String: String], String?)])
  func `the cache lies where a variable says, else in the home directory`(
    variables: [String: String], path: String?
  ) {
    #expect(CachePath.of({ variables[$0] }, from: "/here") == path)
  }
}
