import Model
import Testing

@testable import StepOptions

@Suite struct EnvironmentChoiceTests {
  static func choice(
    _ base: EnvironmentChoice.Base = .usual, _ kept: [String] = [],
    _ assigned: [(name: String, value: String)] = []
  ) -> EnvironmentChoice {
    var choice = EnvironmentChoice()
    choice.base = base
    choice.kept = kept
    choice.assigned = assigned
    return choice
  }

  @Test(arguments: [
    ("A", choice(.usual, ["A"])), ("A,B_2,A", choice(.usual, ["A", "B_2"])), ("ALL", choice(.all)),
    ("NONE", choice(.none)), ("NONE,A", choice(.none, ["A"])), ("A=1,B", choice(.usual, ["B"], [("A", "1")])),
    ("A=1,A=b=c", choice(.usual, [], [("A", "b=c")])), ("A=", choice(.usual, [], [("A", "")])),
  ])
  func `which variables go in`(text: String, expected: EnvironmentChoice) throws {
    #expect(try Given.image([("container-env", text)]).environment == expected)
  }

  @Test(arguments: ["A,,B", "1A", "A-B", "=x", "ALL,NONE", "a b", "A\n"]) func `refuses`(text: String) {
    #expect(throws: StepFault.self) { try Given.image([("container-env", text)]) }
  }

  @Test func `HOME is the container's`() throws {
    let options = try Given.image([("container-env", "HOME,A")])
    #expect(options.environment == Self.choice(.usual, ["A"]))
    #expect(options.notices.map(\.level) == [.warning])
  }
}
