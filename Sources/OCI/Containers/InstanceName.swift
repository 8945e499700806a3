internal import Model

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
    PathPattern.matches(component: pattern, text)
  }
}
