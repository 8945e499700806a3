/// The name of an instance, unique for its user on a node: letters, digits and `. _ -`, beginning with a letter, a digit
/// or `_`.
public struct InstanceName: Equatable, Sendable {
  public let id: ContainerID

  public var text: String { id.text }

  public init(_ text: String) throws(InstanceFault) {
    do throws(ContainerFault) { id = try ContainerID(text) } catch {
      guard case .badID(let why) = error else { throw .container(error) }
      throw .badName(text: text, why: why)
    }
    for byte in "+:@".utf8 where text.utf8.contains(byte) {
      let character = Character(Unicode.Scalar(byte))
      throw .badName(text: text, why: "the character \(character) is not allowed")
    }
  }

  /// Behind `instance://`; nil for what names something else.
  public static func reference(_ text: String) -> String? {
    let scheme = "instance://"
    guard text.utf8.starts(with: scheme.utf8) else { return nil }
    return String(decoding: text.utf8.dropFirst(scheme.utf8.count), as: UTF8.self)
  }

  /// Whether a pattern with `*`, `?` and `[…]` means the name, as a shell's would.
  public static func isNamed(_ text: String, by pattern: String) -> Bool {
    Glob(pattern).matches(text)
  }
}

/// A pattern of a shell. Names have ASCII letters only, so bytes are compared.
struct Glob {
  private let pattern: [UInt8]

  init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

  func matches(_ text: String) -> Bool {
    let text = Array(text.utf8)
    // Positions in both, and where to go on when what followed the last star does not fit.
    var (here, place) = (0, 0)
    var star: (pattern: Int, text: Int)?
    while place < text.count {
      if here < pattern.count, pattern[here] == UInt8(ascii: "*") {
        star = (here, place)
        here += 1
      } else if let next = step(here, text[place]) {
        here = next
        place += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        here = last.pattern + 1
        place = last.text + 1
      } else {
        return false
      }
    }
    return pattern[here...].allSatisfy { $0 == UInt8(ascii: "*") }
  }

  /// The position behind what stands for one byte; nil: it does not stand for this one.
  private func step(_ here: Int, _ byte: UInt8) -> Int? {
    guard here < pattern.count else { return nil }
    if pattern[here] == UInt8(ascii: "?") { return here + 1 }
    guard pattern[here] == UInt8(ascii: "["),
      let end = pattern[(here + 1)...].dropFirst().firstIndex(of: UInt8(ascii: "]"))
    else { return pattern[here] == byte ? here + 1 : nil }
    var set = pattern[(here + 1)..<end]
    let isNegated = set.first == UInt8(ascii: "!") || set.first == UInt8(ascii: "^")
    if isNegated { set.removeFirst() }
    var isIn = false
    while let first = set.popFirst() {
      if set.count >= 2, set.first == UInt8(ascii: "-") {
        set.removeFirst()
        if let last = set.popFirst(), first <= byte, byte <= last { isIn = true }
      } else if first == byte {
        isIn = true
      }
    }
    return isIn != isNegated ? end + 1 : nil
  }
}
