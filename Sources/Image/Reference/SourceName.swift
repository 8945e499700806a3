internal import Content
internal import Model

/// What a command was given as the image to read.
public enum SourceName: Equatable, Sendable {
  /// `docker://REFERENCE`: layers in a registry.
  case registry(ImageReference)
  /// `oras://REFERENCE`: a SIF in a registry.
  case oras(ImageReference)
  /// `docker-archive:PATH[:REFERENCE]` or `…[:@N]`, what `docker save` writes. As read the path is all of the
  /// text and there is no selector; `resolved(where:)` tells them apart.
  case dockerArchive(path: String, selector: String?)
  /// `oci-archive:PATH[:NAME]`: a tar file of a layout.
  case ociArchive(path: String, selector: String?)
  /// `oci:FOLDER[:NAME]` or `…@DIGEST` (OCI Image Layout).
  case ociLayout(path: String, selector: String?)
  /// `docker-daemon:REFERENCE`
  case dockerDaemon(ImageReference)
  /// `http://…`, `https://…`: a SIF as it is.
  case web(url: String)
  /// `library://PATH[:TAG]`
  case library(path: String, tag: String)
  /// `shub://…`, a service that is gone.
  case hub(String)
  /// A file or folder of the host.
  case path(String)

  /// Whether the layers are on this host, in an archive, a folder or a daemon: such an image is converted, not got.
  public var isLocal: Bool {
    switch self {
    case .dockerArchive, .ociArchive, .ociLayout, .dockerDaemon: true
    case .registry, .oras, .web, .library, .hub, .path: false
    }
  }

  /// The words before the first colon, with what follows it.
  static let schemes = [
    "docker://", "oras://", "docker-archive:", "oci-archive:", "oci:", "docker-daemon:", "http://",
    "https://", "library://", "shub://",
  ]

  /// Case counts in schemes, as in Apptainer. A text with no known scheme and no `://` is a path.
  public init(parsing text: String) throws(ReferenceFault) {
    guard !text.isEmpty else { throw .empty }
    guard let scheme = Self.schemes.first(where: { text.starts(withBytesOf: $0) }) else {
      for scheme in Self.schemes where scheme.utf8.last == UInt8(ascii: "/") {
        let word = String(scheme.dropLast(3))
        guard text.starts(withBytesOf: word + ":") else { continue }
        throw .slashesMissing(scheme: word, rest: Self.withoutSlashes(text[...].dropFirst(word.count + 1)))
      }
      if let scheme = Self.scheme(of: text) { throw .schemeUnknown(scheme, of: text) }
      self = .path(text)
      return
    }
    let rest = String(text.utf8.dropFirst(scheme.utf8.count)) ?? ""
    guard !rest.isEmpty else { throw .nothingNamed(scheme: scheme) }
    switch scheme {
    case "docker://": self = .registry(try ImageReference(parsing: rest))
    case "oras://": self = .oras(try ImageReference(parsing: rest))
    case "docker-archive:": self = .dockerArchive(path: rest, selector: nil)
    case "oci-archive:": self = .ociArchive(path: rest, selector: nil)
    case "oci:": self = .ociLayout(path: rest, selector: nil)
    case "docker-daemon:":
      let reference = try ImageReference(parsing: Self.withoutSlashes(rest[...]))
      guard reference.tag != nil else { throw .tagMissing(of: rest) }
      self = .dockerDaemon(reference)
    case "library://": self = try Self.library(rest, of: text)
    case "shub://": self = .hub(rest)
    default:
      guard let host = rest.utf8.first, host != UInt8(ascii: "/"),
        text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
      else { throw .url(text) }
      // A name and password before the host (RFC 3986, section 3.2.1) would be printed and kept with the address.
      let authority = rest.utf8.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
      if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
        throw .url(scheme + String(rest[rest.utf8.index(after: at)...]))
      }
      self = .web(url: text)
    }
  }

  /// How the text of an archive or layout may be divided into path and selector, longest path first: a path
  /// may hold colons itself. The caller takes the first whose path exists.
  public var candidates: [(path: String, selector: String?)] {
    let takesDigest: Bool
    let text: String
    switch self {
    case .dockerArchive(let path, let selector), .ociArchive(let path, let selector),
      .ociLayout(let path, let selector):
      if let selector { return [(path, selector)] }
      if case .dockerArchive = self { takesDigest = false } else { takesDigest = true }
      text = path
    default: return []
    }
    var found: [(path: String, selector: String?)] = [(text, nil)]
    var end = text.utf8.endIndex
    while end > text.utf8.startIndex {
      end = text.utf8.index(before: end)
      guard end > text.utf8.startIndex else { break }
      let path = String(text[..<end])
      let behind = String(text[text.utf8.index(after: end)...])
      if text.utf8[end] == UInt8(ascii: ":") {
        found.append((path, behind.isEmpty ? nil : behind))
      } else if takesDigest, text.utf8[end] == UInt8(ascii: "@"), Digest(behind) != nil {
        found.append((path, "@" + behind))
      }
    }
    return found
  }

  /// The source with path and selector told apart: the first candidate whose path exists; unchanged where
  /// none does.
  public func resolved(where exists: (_ path: String) -> Bool) -> SourceName {
    guard let (path, selector) = candidates.first(where: { exists($0.path) }) else { return self }
    return switch self {
    case .dockerArchive: .dockerArchive(path: path, selector: selector)
    case .ociArchive: .ociArchive(path: path, selector: selector)
    case .ociLayout: .ociLayout(path: path, selector: selector)
    default: self
    }
  }

  private static func library(_ rest: String, of text: String) throws(ReferenceFault) -> SourceName {
    var path = rest[...]
    var tag = "latest"
    if path.utf8.first == UInt8(ascii: "/") { path = path.dropFirst() }
    let name =
      path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.utf8.index(after: $0) } ?? path.startIndex
    if let colon = path.utf8[name...].firstIndex(of: UInt8(ascii: ":")) {
      tag = String(path[path.utf8.index(after: colon)...])
      path = path[..<colon]
      guard ImageReference.isTag(tag) else { throw .part(.tag, of: text, text: tag) }
    }
    for component in path.fields(at: UInt8(ascii: "/")) {
      guard !component.isEmpty else { throw .emptyComponent(of: text) }
      let isKnown = component.utf8.allSatisfy { byte in
        RegistryName.isAlphanumeric(byte) || "._-:".utf8.contains(byte)
      }
      guard isKnown, component != ".", component != ".." else {
        throw .part(.component, of: text, text: String(component))
      }
    }
    return .library(path: String(path), tag: tag)
  }

  private static func withoutSlashes(_ text: Substring) -> String {
    text.starts(withBytesOf: "//") ? String(text.dropFirst(2)) : String(text)
  }

  /// The word before `://`, if the text begins so (RFC 3986, section 3.1).
  static func scheme(of text: String) -> String? {
    let bytes = Array(text.utf8)
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0,
      bytes[colon...].starts(with: "://".utf8),
      bytes[..<colon].allSatisfy({ RegistryName.isAlphanumeric($0) || "+-.".utf8.contains($0) }),
      !(0x30...0x39).contains(bytes[0])
    else { return nil }
    return String(decoding: bytes[..<colon], as: UTF8.self)
  }
}
