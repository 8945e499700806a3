import Model
import Testing

@testable import StepOptions

@Suite struct SavePathTests {
  @Test(arguments: [
    ("/s/x.sif", "/s/x.sif", false, "/s/x.sif"), ("x.sif", "/work/job/x.sif", false, "/work/job/x.sif"),
    ("/s/x-%n.sif", "/s/x-%n.sif", true, "/s/x-3.sif"), ("/s/%N.sif", "/s/%N.sif", true, "/s/c12.sif"),
    ("/s/%j-%%-%x.sif", "/s/%j-%%-%x.sif", false, "/s/77-%-%x.sif"), ("/s/50%", "/s/50%", false, "/s/50%"),
  ])
  func `where a container is saved`(text: String, pattern: String, isPerNode: Bool, path: String) throws {
    let save = try #require(try Given.image([("container-save", text)]).save)
    #expect(save.pattern == pattern)
    #expect(save.isPerNode == isPerNode)
    #expect(save.expanded(nodeID: 3, node: "c12", job: "77") == path)
  }

  @Test(arguments: ["/s/", "x/", "/s/..", ".", "a\nb"]) func `a directory is no file`(text: String) {
    #expect(throws: StepFault.self) { try Given.image([("container-save", text)]) }
  }

  @Test func `what is saved is a SIF whatever its name`() throws {
    #expect(try Given.image([("container-save", "/s/x.sqsh")]).notices.map(\.level) == [.warning])
    #expect(try Given.image([("container-save", "/s/x.sif")]).notices.isEmpty)
  }
}
