internal import Model

/// Ports as `--publish` and `portmap=` of `--network-args` write them.
enum PortGrammar {
  /// `[ADDRESS:]PORT[:CONTAINER][/tcp|udp]`, as Docker has it; an address of IPv6 stands in brackets. Unlike there, a
  /// single port is the same on both sides: one that the kernel chose would have to be looked up.
  static func parse(published text: String) throws(NetworkFault) -> PortMapping {
    let option = "--publish"
    func refuse(_ why: String) -> NetworkFault { .port(option: option, text: text, why: why) }
    var (rest, transport) = try transport(of: text[...], option, text, isRequired: false)
    var address: String?
    if rest.utf8.first == UInt8(ascii: "[") {
      guard let end = rest.utf8.firstIndex(of: UInt8(ascii: "]")) else {
        throw refuse("a bracket is not closed")
      }
      address = String(rest[rest.utf8.index(after: rest.startIndex)..<end])
      rest = rest[rest.utf8.index(after: end)...]
      guard rest.utf8.first == UInt8(ascii: ":") else { throw refuse("a port must follow the address") }
      rest = rest.dropFirst()
    }
    var parts = rest.fields(at: UInt8(ascii: ":"))
    if address == nil, parts.count == 3 { address = String(parts.removeFirst()) }
    if let address, !isAddress(address) { throw refuse("\(printable(address)) is not an address") }
    return try mapping(parts, address, transport, option, text)
  }

  /// `PORT[:CONTAINER]/tcp|udp`, as Apptainer has it.
  static func parse(mapped text: String) throws(NetworkFault) -> PortMapping {
    let option = "--network-args portmap="
    let (rest, transport) = try transport(of: text[...], option, text, isRequired: true)
    return try mapping(rest.fields(at: UInt8(ascii: ":")), nil, transport, option, text)
  }

  private static func transport(
    of text: Substring, _ option: String, _ whole: String, isRequired: Bool
  ) throws(NetworkFault) -> (Substring, PortMapping.Transport) {
    let parts = text.fields(at: UInt8(ascii: "/"))
    if parts.count == 1, !isRequired { return (text, .tcp) }
    guard parts.count == 2, let transport = PortMapping.Transport(rawValue: String(parts[1])) else {
      throw .port(option: option, text: whole, why: "it must end in /tcp or /udp")
    }
    return (parts[0], transport)
  }

  private static func mapping(
    _ parts: [Substring], _ address: String?, _ transport: PortMapping.Transport, _ option: String,
    _ text: String
  ) throws(NetworkFault) -> PortMapping {
    var numbers: [UInt16] = []
    for part in parts {
      guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(part), number > 0 else {
        throw .port(option: option, text: text, why: "\(printable(String(part))) is not a port (1 to 65535)")
      }
      numbers.append(number)
    }
    guard numbers.count == 1 || numbers.count == 2 else {
      throw .port(option: option, text: text, why: "it is neither one port nor two")
    }
    return PortMapping(address: address, host: numbers[0], container: numbers[numbers.count - 1], transport)
  }
}
