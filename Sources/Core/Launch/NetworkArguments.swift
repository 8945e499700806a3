internal import Model

/// What `--network-args` and `--publish` say to one network.
struct NetworkArguments: Equatable {
  var ports: [PortMapping] = []
  /// `KEY=VALUE` for the plugins, in order.
  var pairs: [String] = []
  /// Subnets of `ipRange=`.
  var ranges: [String] = []

  /// The arguments for each of `networks`. One without the prefix `NETWORK:` is for the first, as are published ports.
  static func parse(
    _ request: LaunchRequest, networks: [String]
  ) throws(NetworkFault) -> [NetworkArguments] {
    var all = networks.map { _ in NetworkArguments() }
    for text in request.networkArguments {
      var words = text[...]
      var place = 0
      // A colon before the first equals sign ends a name; one behind it is part of a port mapping or of an address.
      let colon = words.utf8.firstIndex(of: UInt8(ascii: ":"))
      let equals = words.utf8.firstIndex(of: UInt8(ascii: "=")) ?? words.endIndex
      if let colon, colon < equals {
        let name = String(words[..<colon])
        guard let found = networks.firstIndex(of: name) else {
          throw .argument(text: text, why: "--network does not name \(printable(name))")
        }
        place = found
        words = words[words.utf8.index(after: colon)...]
      }
      for pair in words.fields(at: UInt8(ascii: ";")) where !pair.isEmpty {
        try all[place].add(pair, of: text)
      }
    }
    for text in request.publishedPorts { all[0].ports.append(try PortGrammar.parse(published: text)) }
    return all
  }

  private mutating func add(_ pair: Substring, of text: String) throws(NetworkFault) {
    guard let equals = pair.utf8.firstIndex(of: UInt8(ascii: "=")), equals > pair.startIndex,
      !pair.utf8.contains(where: { $0 < 0x20 })
    else { throw .argument(text: text, why: "\(printable(String(pair))) is not KEY=VALUE") }
    let value = String(pair[pair.utf8.index(after: equals)...])
    switch pair[..<equals] {
    case "portmap": ports.append(try PortGrammar.parse(mapped: value))
    case "ipRange": ranges.append(value)
    default: pairs.append(String(pair))
    }
  }
}
