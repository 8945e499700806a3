import Model
import Testing

@testable import ImageMount

/// A server belongs to the user, but its messages are taken apart as if it did not.
@Suite struct HandoverTests {
  @Test(
    arguments: [
      ([], []), ([0x48], []), ([0x48], [3, 4]), ([0x48], [3, 4, 5, 6]), ([0x4C], [1]), ([0xFF], [3, 4, 5]),
      ([0x00], []),
    ] as [([UInt8], [Int32])])
  func `a message with the wrong number of descriptors is no message`(bytes: [UInt8], descriptors: [Int32]) {
    let isMessage = Handover.parse(bytes, descriptors) != nil
    #expect(!isMessage)
  }

  @Test func `messages come back as they were`() throws {
    guard case .mount(3, 4, 5)? = Handover.parse([UInt8(ascii: "H")], [3, 4, 5]) else {
      Issue.record("no mount")
      return
    }
    guard case .place(3, 4, 5, "/tmp/x")? = Handover.parse(Array("L/tmp/x".utf8), [3, 4, 5]) else {
      Issue.record("no place")
      return
    }
    guard case .refused(let text)? = Handover.parse(Array("Ewhat\0why".utf8), []) else {
      Issue.record("no refusal")
      return
    }
    #expect(text.what == "what" && text.why == "why" && text.remedy == "")
  }
}
