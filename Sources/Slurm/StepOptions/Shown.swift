internal import Model

/// Text of a user as messages show it: printable, and short enough to be read. An image may be named by kilobytes.
func shown(_ text: String) -> String {
  let limit = 160
  guard text.utf8.count > limit else { return printable(text) }
  var part = ""
  for scalar in text.unicodeScalars {
    guard part.utf8.count < limit else { break }
    part.unicodeScalars.append(scalar)
  }
  return printable(part) + "… (\(text.utf8.count) bytes)"
}

/// Whether a text holds what ends lines or drives terminals: no name of ours does.
func holdsControlCharacters(_ text: String) -> Bool {
  text.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
}

extension String {
  func ends(withBytesOf suffix: String) -> Bool {
    utf8.count >= suffix.utf8.count && utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }
}
