public import Model

/// Why a network could not be connected, in the words of who should have done it.
public enum NetworkFailure: Error, Equatable, Sendable {
  /// pasta or slirp4netns.
  case tool(String, message: String)
  /// A plugin of a network of the site.
  case plugin(String, network: String, message: String)
  /// What comes before either.
  case preparation(message: String)
  /// Whoever connects networks has gone.
  case keeperGone

  /// As one message of a socket.
  var bytes: [UInt8] {
    let fields =
      switch self {
      case .tool(let name, let message): ["T", name, message]
      case .plugin(let type, let network, let message): ["P", type, network, message]
      case .preparation(let message): ["S", message]
      case .keeperGone: ["G"]
      }
    return Array(fields.connected(by: "\0").utf8)
  }

  init(_ bytes: [UInt8]) {
    let fields = String(decoding: bytes, as: UTF8.self).fields(at: 0).map(String.init)
    switch (fields[0], fields.count) {
    case ("T", 3): self = .tool(fields[1], message: fields[2])
    case ("P", 4): self = .plugin(fields[1], network: fields[2], message: fields[3])
    case ("S", 2): self = .preparation(message: fields[1])
    default: self = .keeperGone
    }
  }

  /// Text of another program: one line, and no more of it than people read.
  static func line(_ bytes: [UInt8]) -> String {
    let lines = String(decoding: bytes, as: UTF8.self).lines.map(String.init)
      // What the first pastas say of a host without a system logger.
      .filter { !$0.starts(withBytesOf: "Failed to send ") }
    let text = Array(lines.suffix(4)).connected(by: "; ")
    return String(decoding: Array(text.utf8.prefix(1000)), as: UTF8.self)
  }
}

extension NetworkFailure: Explained {
  public var explanation: Explanation {
    switch self {
    case .tool(let name, let message):
      Explanation(
        what: "cannot connect the network of the container", why: "\(name) says: \(printable(message))",
        remedy: name == "pasta"
          ? "see pasta(1); --network slirp4netns does the same in another way, --network none does without"
          : "see slirp4netns(1); --network none does without")
    case .plugin(let type, let network, let message):
      Explanation(
        what: "cannot connect the container to the network \(printable(network))",
        why: "its plugin \(printable(type)) says: \(printable(message))",
        remedy:
          "what was made for the container has been removed; mend the description of the network, or use another"
      )
    case .preparation(let message):
      Explanation(
        what: "cannot connect the network of the container", why: message,
        remedy: "use --network none, or the network of the host")
    case .keeperGone:
      Explanation(
        what: "cannot connect the network of the container", why: "the process that should do it was ended",
        remedy: "try again")
    }
  }
}
