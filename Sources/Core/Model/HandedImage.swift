/// An image that is open already: whoever got it, out of a cache or a registry, holds it by a descriptor, whose lock keeps
/// it from being removed, and starts the launcher with `descriptor:NUMBER:PATH` in the place of a path.
public struct HandedImage: Equatable, Sendable {
  private static let scheme = "descriptor:"

  public let number: Int32
  /// Where it lies, or what it is called where it has no name.
  public let path: String

  /// nil for a text of another form.
  public init?(_ text: String) {
    guard text.starts(withBytesOf: Self.scheme) else { return nil }
    let rest = text.utf8.dropFirst(Self.scheme.utf8.count)
    guard let colon = rest.firstIndex(of: UInt8(ascii: ":")),
      let number = Int32(String(rest[..<colon]) ?? ""),
      number > 2
    else { return nil }
    self.number = number
    path = String(rest[rest.index(after: colon)...]) ?? ""
  }

  public init(number: Int32, path: String) {
    self.number = number
    self.path = path
  }

  /// What `init` reads.
  public var text: String { "\(Self.scheme)\(number):\(path)" }
}
