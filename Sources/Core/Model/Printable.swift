/// Text from an image or a user, made safe to print: control characters are shown as escapes, so that no terminal
/// sequence of theirs reaches the reader's terminal.
public func printable(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
    return text
  }
  var out = ""
  for scalar in text.unicodeScalars {
    if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
      let digits = String(scalar.value, radix: 16)
      out += "\\x" + (digits.count < 2 ? "0" : "") + digits
    } else {
      out.unicodeScalars.append(scalar)
    }
  }
  return out
}
