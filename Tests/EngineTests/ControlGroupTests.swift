import Testing

@testable import Engine

@Suite struct ControlGroupTests {
  @Test(
    arguments: [
      ("apus-17-999999999", 17), ("apus-17-0", 17), ("apus-17", nil), ("apus-17-0-1", nil), ("apus-x-0", nil),
      ("apus-17-x", nil), ("apus-0-1", nil), ("apus--1-2", nil), ("apus-17-", nil), ("other-17-0", nil),
      ("apus-jobs.slice", nil), ("", nil),
    ] as [(String, Int32?)])
  func `only what is named as launches do is a group of one`(name: String, launcher: Int32?) {
    #expect(ControlGroup.launcher(ofGroup: name) == launcher)
  }
}
