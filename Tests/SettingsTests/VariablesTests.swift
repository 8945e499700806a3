import Model
import Testing

@testable import Settings

@Suite struct VariablesTests {
  @Test(
    arguments: [
      (["APUS_X=1", "APPTAINER_X=2", "SINGULARITY_X=3"], "1"), (["SINGULARITY_X=3", "APPTAINER_X=2"], "2"),
      (["SINGULARITY_X=3"], "3"), (["APUS_X="], nil), (["APUS_X=", "SINGULARITY_X=3"], "3"),
      (["APUS_X=a=b"], "a=b"),
      (["APUS_XY=1", "XAPUS_X=1"], nil), ([], nil),
    ] as [([String], String?)])
  func `our name comes before Apptainer's, that before SingularityCE's`(all: [String], value: String?) {
    #expect(Variables(all).setting("X") == value)
  }

  @Test func `entries without a name or without an equals sign do no harm`() {
    let variables = Variables(["", "=", "=x", "A", "A=1", "A=2", "B=é=\n"])
    #expect(variables["A"] == "1")
    #expect(variables["B"] == "é=\n")
    #expect(variables[""] == "")
  }

  @Test(arguments: [
    (["SINGULARITY_X=1", "APPTAINER_X=2"], 1), (["SINGULARITY_X=1", "APPTAINER_X=1"], 0),
    (["SINGULARITY_X=1"], 0),
    (["APUS_X=1", "APPTAINER_X=2"], 0), (["SINGULARITYENV_X=1", "APPTAINERENV_X=2"], 0),
  ])
  func `variables of two older runtimes that differ are told of`(all: [String], count: Int) {
    #expect(Variables(all).conflicts.count { $0.level == .warning } == count)
  }
}
