internal import CommandLine
internal import Linux
internal import Model

/// Whether the operand of a command names an image by reference (`docker://…`, `oci-archive:…`) and not by path. Such a
/// command is handed to `apus-image`, which gets the image and starts this program again with its path.
func isReference(_ text: String) -> Bool {
  guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
  let scheme = String(text[..<colon])
  if isScheme(scheme), text[colon...].starts(withBytesOf: "://") { return scheme != "instance" }
  // A file may be called so.
  return ["docker-archive", "docker-daemon", "oci", "oci-archive"].contains(scheme)
    && (try? File.facts(text)) == nil
}

/// The reference that a command's image is; nil for a path, and for commands that take none.
func reference(of parsed: Parsed) -> String? {
  switch parsed.command.path.first {
  case "exec", "run", "shell", "test", "explain", "inspect", "run-help":
    parsed.operands.first.flatMap { isReference($0) ? $0 : nil }
  case "instance" where ["start", "run"].contains(parsed.command.path.last):
    parsed.operands.first.flatMap { isReference($0) ? $0 : nil }
  default: nil
  }
}

/// Why a text is no image; nil for a path.
func unsupportedReference(_ text: String) -> Explanation? {
  guard text.starts(withBytesOf: "instance://") else { return nil }
  return Explanation(
    what: "cannot use \(printable(text)) as an image", why: "it names an instance, which exists already",
    remedy: "enter it with apus exec, run, shell or test, or name an image here")
}

/// RFC 3986, section 3.1.
private func isScheme(_ text: String) -> Bool {
  guard let first = text.utf8.first, (0x61...0x7A).contains(first | 0x20) else { return false }
  return text.utf8.allSatisfy {
    (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || "+-.".utf8.contains($0)
  }
}
