internal import Linux
internal import Model

/// The messages between a launch and a server, one packet each.
///
/// A launch sends one byte: `J` joins, `S` asks for the state. The answer begins with a byte: `H` hands over three
/// descriptors (outer, inner, a clone of the image mount), `L` likewise with the server's mount namespace as third and
/// the path of the mount in it as text (kernels without open_tree), `E` carries an explanation, `S` the state as text.
enum Handover {
  static let join = UInt8(ascii: "J")
  static let state = UInt8(ascii: "S")

  enum Reply {
    case mount(outer: Int32, inner: Int32, mount: Int32)
    case place(outer: Int32, inner: Int32, mountNamespace: Int32, path: String)
    case refused(Explanation)
    case state(String)
  }

  static func bytes(of explanation: Explanation) -> [UInt8] {
    let parts = [explanation.what, explanation.why, explanation.remedy]
    return [UInt8(ascii: "E")] + Array(parts.joined(separator: "\0").utf8)
  }

  /// nil: the peer has gone, or speaks another language.
  static func parse(_ bytes: [UInt8], _ descriptors: [Int32]) -> Reply? {
    guard let kind = bytes.first else { return nil }
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    switch (kind, descriptors.count) {
    case (UInt8(ascii: "H"), 3):
      return .mount(outer: descriptors[0], inner: descriptors[1], mount: descriptors[2])
    case (UInt8(ascii: "L"), 3):
      return .place(outer: descriptors[0], inner: descriptors[1], mountNamespace: descriptors[2], path: text)
    case (UInt8(ascii: "E"), _):
      let parts =
        text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init) + ["", "", ""]
      return .refused(Explanation(what: parts[0], why: parts[1], remedy: parts[2]))
    case (UInt8(ascii: "S"), _): return .state(text)
    default: return nil
    }
  }
}
