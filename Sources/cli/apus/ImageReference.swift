internal import Glibc
internal import Linux
internal import Model

/// Why a reference is no image yet: this version opens files and directories only. nil for a path.
func unsupportedReference(_ text: String) -> Explanation? {
  guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
  let scheme = String(text[..<colon])
  let isURI = isScheme(scheme) && text[colon...].starts(withBytesOf: "://")
  // A file may be called so.
  let isTransport =
    ["docker-archive", "docker-daemon", "oci", "oci-archive"].contains(scheme)
    && (try? File.facts(text)) == nil
  guard isURI || isTransport else { return nil }
  return Explanation(
    what: "cannot use \(printable(withoutSecret(text, scheme))) as an image",
    why: scheme == "instance"
      ? "this version has no instances" : "this version reads no references to registries and archives",
    remedy: "name a SIF, a squashfs file or a root directory")
}

/// RFC 3986, section 3.1.
private func isScheme(_ text: String) -> Bool {
  guard let first = text.utf8.first, (0x61...0x7A).contains(first | 0x20) else { return false }
  return text.utf8.allSatisfy {
    (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || "+-.".utf8.contains($0)
  }
}

/// The reference without a user's name and password before the host (RFC 3986, section 3.2.1). References to registries
/// have an @ before a digest.
private func withoutSecret(_ text: String, _ scheme: String) -> String {
  let rest = text.dropFirst(scheme.count + 3)
  let authority = rest.prefix { $0 != "/" }
  guard ["http", "https"].contains(scheme), let at = authority.lastIndex(of: "@") else { return text }
  return scheme + "://" + rest[rest.index(after: at)...]
}
