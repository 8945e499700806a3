import Glibc
import Testing

@testable import Engine

@Suite struct SignalStateTests {
  static func text(blocked: String = "0", ignored: String = "0", caught: String = "0", parent: Int = 7)
    -> String
  {
    "Name:\tsleep\nPPid:\t\(parent)\nSigQ:\t0/9\nSigPnd:\t0\nSigBlk:\t\(blocked)\nSigIgn:\t\(ignored)\nSigCgt:\t\(caught)\n"
  }

  @Test(
    arguments: [
      (text(), SIGINT, true), (text(caught: "0000000000000002"), SIGINT, false),
      (text(ignored: "0000000000000002"), SIGINT, false), (text(blocked: "0000000000000002"), SIGINT, false),
      (text(caught: "0000000000000002"), SIGQUIT, true), (text(caught: "8000000000000000"), 64, false),
      (text(), 65, false), (text(), 0, false),
    ] as [(String, Int32, Bool)])
  func `a signal is left to the kernel where the program does nothing with it`(
    text: String, signal: Int32, isLeft: Bool
  ) throws {
    #expect(try #require(SignalState(text, parent: 7)).leavesToKernel(signal) == isLeft)
  }

  @Test func `another process with the number is none`() {
    #expect(SignalState(Self.text(parent: 8), parent: 7) == nil)
    #expect(SignalState("", parent: 7) == nil)
    #expect(SignalState("PPid:\t7\nSigBlk:\tx\nSigIgn:\t0\nSigCgt:\t0\n", parent: 7) == nil)
  }

  @Test(arguments: [SIGTSTP, SIGSTOP, SIGTTIN, SIGINT, SIGKILL, 64])
  func `what the init tells comes back as it was`(signal: Int32) {
    for message in [InitReports.Message.stopped(by: signal), .ended(by: signal)] {
      #expect(InitReports.Message(message.byte) == message)
    }
  }

  @Test func `a program that was ended by a signal has its code of a shell`() {
    #expect(ProgramEnd.code(7).code == 7 && ProgramEnd.signal(15).code == 143)
  }
}
