/// Text from an image or a user, made safe to print: control characters are shown as escapes, so that no terminal
/// sequence of theirs reaches the reader's terminal. Bytes that are no text (`HostText`) are shown likewise.
public func printable(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: isEscaped) else { return text }
  var out = ""
  for scalar in text.unicodeScalars {
    if isEscaped(scalar) {
      let digits = String(scalar.value & 0xFF, radix: 16)
      out += "\\x" + (digits.count < 2 ? "0" : "") + digits
    } else {
      out.unicodeScalars.append(scalar)
    }
  }
  return out
}

private func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
  scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || HostText.standIns.contains(scalar.value)
}
