import Model
import Testing

@testable import Containers

@Suite struct ContainerRecordTests {
  static let record = ContainerRecord(
    bundle: "/srv/a b\n=", annotations: [("x", "1=2"), ("empty", ""), ("lines", "a\nb")], pid: 4711,
    startTicks: 99_999_999_999)

  @Test func `a record comes back as it was`() {
    #expect(ContainerRecord(Self.record.bytes) == Self.record)
  }

  @Test func `refuses what is cut or no record`() {
    let bytes = Self.record.bytes
    for count in 0..<bytes.count {
      // Whole fields may be missing at the end: annotations are no duty.
      if let part = ContainerRecord(Array(bytes[..<count])) { #expect(part.pid == 4711) }
    }
    for text in [
      "", "\0", "format=1\0", "format=2\0pid=1\0start=1\0bundle=/b\0",
      "format=1\0pid=-1\0start=1\0bundle=/b\0",
    ] {
      #expect(ContainerRecord(Array(text.utf8)) == nil)
    }
  }

  @Test(
    arguments: [
      (.creating, nil), (.created, 4711), (.running, 4711), (.stopped, nil),
    ] as [(ContainerStatus, Int?)])
  func `the state names the process of a container that has one`(status: ContainerStatus, pid: Int?) throws {
    let state = ContainerState(id: try ContainerID("one"), status: status, record: Self.record)
    let json = try JSON(parsing: Array(state.json.text().utf8))
    #expect(json["id"]?.text == "one" && json["status"]?.text == status.rawValue)
    #expect(json["ociVersion"]?.text == "1.0.2")
    #expect(json["bundle"]?.text == Self.record.bundle)
    #expect(json["annotations"]?["lines"]?.text == "a\nb")
    #expect(json["pid"] == pid.map { .integer($0) })
  }
}
