internal import Model

/// `Link: </v2/name/tags/list?last=x&n=100>; rel="next"` (RFC 8288), as lists of registries use it.
package enum LinkHeader {
  /// The address of the next page, as it is written; nil where there is none.
  package static func next(_ value: String) -> String? {
    var rest = value[...]
    while let open = rest.utf8.firstIndex(of: UInt8(ascii: "<")) {
      let start = rest.utf8.index(after: open)
      guard let close = rest[start...].utf8.firstIndex(of: UInt8(ascii: ">")) else { return nil }
      let target = String(rest[start..<close])
      // Its parameters go up to the comma before the next link.
      rest = rest[rest.utf8.index(after: close)...]
      let end = rest.utf8.firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
      for parameter in rest[..<end].fields(at: UInt8(ascii: ";")) {
        let text = parameter.lowercased().filter { !" \t,\"".contains($0) }
        if text == "rel=next" { return target }
      }
      rest = rest[end...]
    }
    return nil
  }
}
