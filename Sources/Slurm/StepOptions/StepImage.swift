internal import Model

/// What the name of an image means on a host.
public enum StepImage: Equatable, Sendable {
  /// A file or folder: absolute, normalized. Whether it is there is seen when it is opened.
  case path(String)
  /// `docker://…`, `oras://…`, `docker-daemon:…`: for whoever gets images.
  case reference(String)

  /// Finds out. `directory` is the one that relative paths are taken from, `imagePath` the site's folders of images.
  ///
  /// A path begins with `/` or `.`, or ends as images do (`.sif`, `.sqsh`, `.squashfs`), or is there. Any other name is
  /// looked up in the site's folders, as it is and with `.sif`; what is found nowhere is a name in a registry,
  /// `[USER@][HOST#]IMAGE[:TAG]` as Enroot writes it. What begins with a scheme stays what it is.
  public static func resolve(
    _ text: String, origin: String = "--container-image", directory: String, imagePath: [String],
    exists: (_ path: String) -> Bool
  ) throws(StepFault) -> StepImage {
    func fault(_ why: String) -> StepFault { .imageName(text: text, origin: origin, why: why) }
    guard !text.isEmpty else { throw .valueMissing(origin: origin) }
    guard text.utf8.count < 4096 else { throw fault("it is longer than 4095 bytes") }
    guard !holdsControlCharacters(text) else { throw fault("it holds control characters") }
    if text.utf8.first == UInt8(ascii: "/") || text.utf8.first == UInt8(ascii: ".") {
      return .path(ContainerPath.normalized(text, from: directory))
    }
    if let scheme = scheme(of: text) { return .reference(try reference(text, scheme, fault)) }
    let here = ContainerPath.normalized(text, from: directory)
    if exists(here) { return .path(here) }
    if ["docker-archive:", "docker-daemon:", "oci:", "oci-archive:"].contains(
      where: text.starts(withBytesOf:))
    {
      return .reference(text)
    }
    if !ContainerPath.components(text).contains("..") {
      for folder in imagePath {
        for ending in ["", ".sif"] {
          let place = ContainerPath.normalized(text + ending, from: folder)
          if exists(place) { return .path(place) }
        }
      }
    }
    if [".sif", ".sqsh", ".squashfs"].contains(where: text.ends(withBytesOf:)) { return .path(here) }
    return .reference("docker://" + (try registryName(text, fault)))
  }

  /// What stands before `://`; nil: no scheme (RFC 3986, section 3.1).
  private static func scheme(of text: String) -> String? {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), text[colon...].starts(withBytesOf: "://")
    else { return nil }
    let scheme = String(text[..<colon])
    guard let first = scheme.utf8.first, (0x61...0x7A).contains(first | 0x20),
      scheme.utf8.allSatisfy({
        (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || "+-.".utf8.contains($0)
      })
    else { return nil }
    return scheme
  }

  private static func reference(_ text: String, _ scheme: String, _ fault: (String) -> StepFault)
    throws(StepFault) -> String
  {
    let rest = String(text.utf8.dropFirst(scheme.utf8.count + 3)) ?? ""
    guard !rest.isEmpty else { throw fault("nothing is named behind \(scheme)://") }
    switch scheme {
    case "docker": return "docker://" + (try registryName(rest, fault))
    case "dockerd": return "docker-daemon:" + rest
    default: return text
    }
  }

  /// `[USER@][HOST#]IMAGE` as `[HOST/]IMAGE`. The user is left out: the name that goes with a host is what
  /// `apus registry login` keeps.
  private static func registryName(_ text: String, _ fault: (String) -> StepFault) throws(StepFault) -> String
  {
    var name = text
    if let hash = text.utf8.firstIndex(of: UInt8(ascii: "#")) {
      var host = String(text[..<hash])
      let image = String(text[text.utf8.index(after: hash)...])
      if let at = host.utf8.lastIndex(of: UInt8(ascii: "@")) {
        host = String(host[host.utf8.index(after: at)...])
      }
      guard !host.isEmpty, !image.isEmpty, !host.utf8.contains(UInt8(ascii: "/")) else {
        throw fault("HOST#IMAGE lacks one of its parts")
      }
      name = host + "/" + image
    }
    let isWritten = name.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || "._-/:@+[]".utf8.contains($0)
    }
    guard isWritten else { throw fault("there is no such file, and it is no name in a registry either") }
    guard !ContainerPath.components(name).contains("..") else {
      throw fault("there is no such file, and no name in a registry has \"..\"")
    }
    return name
  }
}
