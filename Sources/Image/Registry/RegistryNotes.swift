internal import HTTP
internal import Model
internal import Synchronization

/// What a registry says of the requests it still allows (`RateLimit-Limit: 100;w=21600`).
public struct RateLimit: Equatable, Sendable {
  public let limit: Int
  public let remaining: Int
  /// The window in which the limit counts, in seconds; 0 where it does not say.
  public let windowSeconds: Int

  public init(limit: Int, remaining: Int, windowSeconds: Int) {
    self.limit = limit
    self.remaining = remaining
    self.windowSeconds = windowSeconds
  }

  init?(_ headers: HTTPHeaders) {
    guard let limit = headers["ratelimit-limit"].flatMap(Self.number),
      let remaining = headers["ratelimit-remaining"].flatMap(Self.number)
    else { return nil }
    let window = headers["ratelimit-limit"]?.fields(at: UInt8(ascii: ";")).dropFirst()
      .first { $0.starts(withBytesOf: "w=") }
    self.init(limit: limit, remaining: remaining, windowSeconds: window.flatMap { Int($0.dropFirst(2)) } ?? 0)
  }

  private static func number(_ text: String) -> Int? {
    text.fields(at: UInt8(ascii: ";")).first.flatMap { Int($0) }
  }
}

/// What answers say beside their purpose: warnings for people and the requests that are left.
final class RegistryNotes: Sendable {
  private struct State {
    var warnings: [String] = []
    var rateLimit: RateLimit?
  }

  private let state = Mutex(State())
  private static let countLimit = 20
  private static let textLimit = 2000

  var warnings: [String] { state.withLock { $0.warnings } }
  var rateLimit: RateLimit? { state.withLock { $0.rateLimit } }

  func note(_ headers: HTTPHeaders) {
    let texts = headers.all("warning").prefix(Self.countLimit).compactMap(Self.warning)
    let limit = RateLimit(headers)
    if texts.isEmpty, limit == nil { return }
    state.withLock { state in
      for text in texts where !state.warnings.contains(text) && state.warnings.count < Self.countLimit {
        state.warnings.append(text)
      }
      if let limit { state.rateLimit = limit }
    }
  }

  /// The text of `299 - "…"` (OCI Distribution Specification, "Warnings"), safe for a terminal.
  static func warning(_ value: String) -> String? {
    let bytes = Array(value.utf8.prefix(textLimit))
    guard bytes.starts(with: "299 ".utf8), let open = bytes.firstIndex(of: UInt8(ascii: "\"")) else {
      return nil
    }
    var text: [UInt8] = []
    var isEscaped = false
    for byte in bytes[(open + 1)...] {
      if isEscaped {
        text.append(byte)
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        return text.isEmpty ? nil : printable(String(decoding: text, as: UTF8.self))
      } else {
        text.append(byte)
      }
    }
    return nil
  }
}
