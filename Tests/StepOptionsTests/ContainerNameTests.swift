import Model
import Testing

@testable import StepOptions

@Suite struct ContainerNameTests {
  @Test(arguments: [
    ("n", ContainerName(text: "n")), ("n:", ContainerName(text: "n")), ("n:auto", ContainerName(text: "n")),
    ("n:create", ContainerName(text: "n", use: .create)), ("n:exec", ContainerName(text: "n", use: .exec)),
    ("my-env_1.2:no_exec", ContainerName(text: "my-env_1.2", use: .noExec)),
    // The unnamed container of a step.
    ("123.4:exec", ContainerName(text: "123.4", use: .exec)),
  ])
  func `names of containers`(text: String, name: ContainerName) throws {
    #expect(try Given.image([("container-name", text)]).name == name)
  }

  @Test(arguments: [
    ":exec", "/tmp/foo", "a/b", "..", ".", ".hidden", "-x", "a b", "a\nb", "é", "n:run", "n:exec:auto",
    "n:AUTO",
    String(repeating: "a", count: 65),
  ])
  func `names that could be something else are refused`(text: String) {
    #expect {
      _ = try Given.image([("container-name", text)])
    } throws: { error in
      if case .value("--container-name", text, _, _)? = error as? StepFault { true } else { false }
    }
  }
}
