import Glibc
import Linux
import Model
import Testing

@testable import ImageMount

@Suite struct FileMountTests {
  /// What the keeper of a program says at its end; nil: it says nothing, and stays.
  static let ends: [(said: [UInt8]?, words: String?)] = [
    ([0], nil), ([1], "code 1"), ([137], "code 137"), ([], "killed"), (nil, "still being written"),
  ]

  @Test(arguments: ends) func `changes that are not in their file are told of`(said: [UInt8]?, words: String?)
    throws
  {
    let (near, far) = try Socket.pair()
    defer { close(near) }
    if let said, !said.isEmpty { try Socket.send(said, to: far) }
    if said != nil { close(far) }
    let notice = FileMounts.loss(of: "/changes.img", near, seconds: 0.01)
    if said == nil { close(far) }
    #expect((notice == nil) == (words == nil), "\(notice?.text ?? "")")
    if let words {
      #expect(notice?.level == .warning && notice?.text.contains(words) == true, "\(notice?.text ?? "")")
      #expect(notice?.text.contains("/changes.img") == true)
    }
  }
}
