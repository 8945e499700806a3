import Foundation
import Linux
import StepJoin
import Testing

@Suite struct AnswererTests {
  /// What a task reads: kind and namespaces of the answer, and the records in the first descriptor.
  private func answer(at socket: Int32) throws -> (head: [UInt8], records: String, namespaces: Int) {
    let message = try Socket.receive(limit: 2, from: socket)
    let records = try #require(message.descriptors.first)
    defer { for number in message.descriptors { close(number) } }
    let bytes = try File.bytes(of: records, count: 1000)
    return (message.bytes, String(decoding: bytes, as: UTF8.self), message.descriptors.count - 1)
  }

  private let text = StepRecord.text(
    directory: "/work",
    changes: [
      .set(name: "A", value: "b=c"), .unset(name: "D"), .copy(name: "RANK", from: "SLURM_PROCID"),
    ])

  @Test func `every task gets the records and the namespaces, in the order of their bits`() throws {
    let (near, far) = try Socket.pair()
    let mount = try Namespace.current("mnt")
    let network = try Namespace.current("net")
    let answer = try StepAnswer(
      namespaces: [nil, mount.number, nil, nil, nil, network.number], records: text)
    for _ in 0..<3 { try Socket.send([UInt8(ascii: "J")], to: near) }
    var answerer = Answerer(socket: far, tasks: 3)
    #expect(answerer.serve(answer, staysToTheEnd: false) == .allEntered)
    #expect(answerer.letAllIn)
    for _ in 0..<3 {
      let got = try self.answer(at: near)
      #expect(got.head == [UInt8(ascii: "R"), 0b10_0010])
      #expect(got.namespaces == 2)
      #expect(got.records == "D/work\0SA=b=c\0UD\0CRANK=SLURM_PROCID\0")
    }
    close(near)
    close(far)
  }

  @Test func `it stays until the last task has ended, or the step has gone`() throws {
    for word in [UInt8(ascii: "E"), nil] {
      let (near, far) = try Socket.pair()
      let answer = try StepAnswer(namespaces: [nil, nil, nil, nil, nil, nil], records: text)
      try Socket.send([UInt8(ascii: "J")], to: near)
      try Socket.send([UInt8(ascii: "X")], to: near)
      if let word { try Socket.send([word], to: near) } else { close(near) }
      var answerer = Answerer(socket: far, tasks: 1)
      #expect(answerer.serve(answer, staysToTheEnd: true) == .stepEnded)
      #expect(answerer.letAllIn)
      close(far)
      if word != nil { close(near) }
    }
  }

  @Test func `a step whose tasks end before they enter keeps nothing waiting`() throws {
    let (near, far) = try Socket.pair()
    let answer = try StepAnswer(namespaces: [nil, nil, nil, nil, nil, nil], records: text)
    try Socket.send([UInt8(ascii: "J")], to: near)
    try Socket.send([UInt8(ascii: "E")], to: near)
    var answerer = Answerer(socket: far, tasks: 2)
    #expect(answerer.serve(answer, staysToTheEnd: false) == .stepEnded)
    #expect(!answerer.letAllIn)
    close(near)
    close(far)
  }

  @Test func `a record holds no zero byte of its own`() {
    let bytes = StepRecord.text(directory: "/a\0b", changes: [.set(name: "X", value: "1\0U2")])
    #expect(bytes.count { $0 == 0 } == 2)
  }

  @Test func `the page has the layout that the plugin reads`() throws {
    var template = Array("/tmp/apus-page.XXXXXX\0".utf8CString)
    let number = mkstemp(&template)
    defer { close(number) }
    unlink(template)
    let page = StepPage(number: number)
    try page.announceAnswerer(0x0102_0304)
    try page.setTold()
    let bytes = try File.bytes(of: number, count: 12)
    #expect(bytes == [0, 0, 0, 0, 4, 3, 2, 1, 1, 0, 0, 0])
  }
}
