internal import Content
internal import Model

/// Names of files where the user gives none (`apus pull docker://debian:12` makes `debian_12.sif`).
public enum OutputName {
  /// The name for a source, a single path component.
  ///
  /// - A reference: `<last part of its path>_<tag>.sif`. For one with only a digest
  ///   `<last>_sha256-<12 digits>.sif`. Apptainer writes `<last>@sha256_<64 digits>.sif` there; 12 digits tell
  ///   images apart and can be read and typed. A tag beside a digest names the file.
  /// - A URL: the last part of its path, as it is.
  /// - An archive, a layout or a file: its name without what marks the kind, and `.sif`.
  public static func of(_ source: SourceName) throws(ReferenceFault) -> String {
    switch source {
    case .registry(let reference), .oras(let reference), .dockerDaemon(let reference): of(reference)
    case .library(let path, let tag): lastPart(of: path) + "_" + tag + ".sif"
    case .hub(let text): try ofHub(text)
    case .web(let url): try ofURL(url)
    case .dockerArchive(let path, _), .ociArchive(let path, _), .ociLayout(let path, _), .path(let path):
      try ofPath(path)
    }
  }

  private static func of(_ reference: ImageReference) -> String {
    let last = lastPart(of: reference.repository)
    if let tag = reference.effectiveTag { return last + "_" + tag + ".sif" }
    guard let digest = reference.digest else { return last + ".sif" }
    return last + "_" + digest.algorithm.rawValue + "-" + digest.hex.prefix(12) + ".sif"
  }

  private static func ofHub(_ text: String) throws(ReferenceFault) -> String {
    let parts = lastPart(of: text).fields(at: UInt8(ascii: ":"))
    let name = String(parts[0])
    guard isName(name) else { throw .noFileName(of: "shub://" + text) }
    return name + "_" + (parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : "latest") + ".sif"
  }

  private static func ofURL(_ url: String) throws(ReferenceFault) -> String {
    let bare = url.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
    // scheme, nothing, host, path
    let parts = Substring(bare).fields(at: UInt8(ascii: "/"))
    guard parts.count > 3, let last = parts.last else { throw .noFileName(of: url) }
    let name = HostText.decode(unescaped(Array(last.utf8)))
    guard isName(name) else { throw .noFileName(of: url) }
    return name
  }

  private static func ofPath(_ path: String) throws(ReferenceFault) -> String {
    var trimmed = path[...]
    while trimmed.utf8.count > 1, trimmed.utf8.last == UInt8(ascii: "/") { trimmed = trimmed.dropLast() }
    var name = Array(lastPart(of: String(trimmed)).utf8)
    for ending in [".gz", ".xz", ".zst", ".bz2", ".tgz", ".txz", ".tar", ".sif"] {
      if name.count > ending.utf8.count, name.suffix(ending.utf8.count).elementsEqual(ending.utf8) {
        name.removeLast(ending.utf8.count)
      }
    }
    let text = String(decoding: name, as: UTF8.self)
    guard isName(text) else { throw .noFileName(of: path) }
    return text + ".sif"
  }

  private static func lastPart(of path: String) -> String {
    String(path.fields(at: UInt8(ascii: "/")).last ?? "")
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text != "." && text != ".." && text.utf8.count <= 255
      && text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "/") && $0 != 0x7F }
  }

  /// `%20` and its like as the bytes they stand for (RFC 3986, section 2.1).
  private static func unescaped(_ text: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    var position = 0
    while position < text.count {
      if text[position] == UInt8(ascii: "%"), position + 2 < text.count,
        text[position + 1...position + 2].allSatisfy(RegistryName.isHexadecimal),
        let byte = UInt8(String(decoding: text[position + 1...position + 2], as: UTF8.self), radix: 16)
      {
        bytes.append(byte)
        position += 3
      } else {
        bytes.append(text[position])
        position += 1
      }
    }
    return bytes
  }
}
