import Model
import Settings
import Testing

@testable import Launch

@Suite struct EnvironmentFileTests {
  @Test(
    arguments: [
      ("A='x", .environmentFileQuote(path: "vars", line: 1)),
      ("A='x\n", .environmentFileQuote(path: "vars", line: 1)),
      ("A=1\nB=\"x\nC=2\n\n", .environmentFileQuote(path: "vars", line: 2)),
      ("A=\"x\\\"\n", .environmentFileQuote(path: "vars", line: 1)),
      ("# it's fine\nA=\"it's\"\nB='\n", .environmentFileQuote(path: "vars", line: 3)),
    ] as [(String, LaunchFault)])
  func `a quote that is not closed is told of by its own line`(text: String, fault: LaunchFault) {
    #expect(throws: fault) {
      try EnvironmentFile.parse(text, path: "vars", variables: Variables([]), image: "/x.sif")
    }
    #expect(fault.explanation.remedy.contains("close it"))
  }

  @Test(arguments: [("A=$(date)\n", 1), ("A=1\n\nrm x\n", 3), ("A=1\nif true\n", 2), ("A=\\'\nls", 2)])
  func `what is no assignment is told of by its own line`(text: String, line: Int) {
    do throws(LaunchFault) {
      _ = try EnvironmentFile.parse(text, path: "vars", variables: Variables([]), image: "/x.sif")
      Issue.record("accepted")
    } catch {
      #expect(error.explanation.why.hasPrefix("line \(line) "), "\(error)")
      #expect(error.explanation.remedy.contains("NAME=VALUE"))
    }
  }
}
