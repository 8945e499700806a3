import Model
import Testing

@testable import Bundle

@Suite struct EnvironmentRecordsTests {
  @Test(
    arguments: [
      ("", []), ("A=1\0B=2\0", ["A=1", "B=2"]), ("A=1\0B=2", ["A=1", "B=2"]),
      ("A=x\ny\0B=\0", ["A=x\ny", "B="]), ("A=1\0\0B=2\0", ["A=1", "B=2"]),
      ("A=1\0none\0=x\0B=2\0", ["A=1", "B=2"]), ("A=1\0B=2\0A=3\0", ["A=3", "B=2"]),
      ("A=1\nB=2\n", ["A=1", "B=2"]), ("A=1\nB=2", ["A=1", "B=2"]), ("A=x\ny\nB=2\n", ["A=x\ny", "B=2"]),
      ("A=()  {\n echo a=b\n}\nB=2\n", ["A=()  {\n echo a=b\n}", "B=2"]),
      ("A=b=c\0", ["A=b=c"]), ("BASH_FUNC_ml%%=() { x\n}\0A=1\0", ["BASH_FUNC_ml%%=() { x\n}", "A=1"]),
    ] as [(String, [String])])
  func `records end with NUL, or are lines where there is none`(text: String, entries: [String]) {
    #expect(EnvironmentRecords.parse(Array(text.utf8)) == entries)
  }

  @Test func `bytes that are no text come through`() {
    let bytes: [UInt8] = [0x41, 0x3D, 0xFF, 0xFE, 0]
    let entries = EnvironmentRecords.parse(bytes)
    #expect(entries.map(HostText.bytes) == [[0x41, 0x3D, 0xFF, 0xFE]])
  }

  @Test(
    arguments: [
      ("SLURM_PROCID=1", true), ("OMP_NUM_THREADS=4", true), ("A=", true), ("PATH=/bin", false),
      ("HOME=/h", false), ("PWD=/w", false), ("LD_LIBRARY_PATH=/l", false), ("APUS_BIND=/a", false),
      ("APPTAINERENV_X=1", false), ("SINGULARITY_NAME=x", false), ("BASH_FUNC_ml%%=() {", false),
      ("1A=x", false), ("UID=5", false),
    ] as [(String, Bool)])
  func `what describes the submit host stays outside`(entry: String, isHandedOn: Bool) {
    #expect(EnvironmentRecords.handedOn([entry]) == (isHandedOn ? [entry] : []))
  }

  @Test func `a variable that is injected by another name counts more`() {
    #expect(EnvironmentRecords.handedOn(["X=1", "Y=2", "APUSENV_X=3"]) == ["Y=2"])
  }

  @Test func `a bundle keeps its PATH`() {
    let entries = ["PATH=/b", "HOME=/root", "LD_LIBRARY_PATH=/l", "X=1", "no name=1"]
    #expect(EnvironmentRecords.ofBundle(entries) == ["PATH=/b", "LD_LIBRARY_PATH=/l", "X=1"])
  }
}
