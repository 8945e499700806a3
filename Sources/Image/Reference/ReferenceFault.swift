public import Model

/// Why a text names no image, or no platform.
public enum ReferenceFault: Error, Equatable, Sendable {
  /// The parts of a reference (oci-spec distribution, "Pulling manifests"; distribution/reference, grammar).
  public enum Part: String, Sendable {
    case registry, component, tag, digest
  }

  case empty
  /// A part breaks its grammar.
  case part(Part, of: String, text: String)
  /// Names of repositories are lower case.
  case upperCase(component: String, of: String)
  /// `a//b`, `/a`, `a/`
  case emptyComponent(of: String)
  /// Bytes of registry and repository.
  case longName(of: String, count: Int)
  /// 64 hexadecimal digits: an image's id in a daemon, which no registry knows.
  case identifier(String)
  /// A scheme where a bare reference is expected.
  case schemeWithin(of: String, scheme: String)
  case schemeUnknown(String, of: String)
  /// `docker:alpine`
  case slashesMissing(scheme: String, rest: String)
  /// A daemon is asked for one image: nothing is guessed there.
  case tagMissing(of: String)
  /// Nothing behind the scheme.
  case nothingNamed(scheme: String)
  case url(String)
  /// The source has no name from which that of a file could be made.
  case noFileName(of: String)
  case platform(String)
  case operatingSystem(String)
  case architecture(String)
}

extension ReferenceFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .empty:
      Explanation(
        what: "cannot tell which image is meant", why: "the reference is empty", remedy: Self.form)
    case .part(let part, let reference, let text):
      Explanation(
        what: "cannot read the reference \(printable(reference))", why: Self.sentence(part, text),
        remedy: Self.rule(part))
    case .upperCase(let component, let reference):
      Explanation(
        what: "cannot read the reference \(printable(reference))",
        why: "\"\(printable(component))\" holds upper-case letters, and names of repositories have none",
        remedy: "write it in lower case")
    case .emptyComponent(let reference):
      Explanation(
        what: "cannot read the reference \(printable(reference))",
        why: "there is nothing before, behind or between two of its slashes", remedy: Self.form)
    case .longName(let reference, let count):
      Explanation(
        what: "cannot read the reference \(printable(reference))",
        why: "registry and repository have \(count) characters, and 255 are allowed")
    case .identifier(let text):
      Explanation(
        what: "cannot read the reference \(text)",
        why: "64 hexadecimal digits are the id of an image in a daemon; no registry has such a name",
        remedy: "name the image, or give the digest behind its name: NAME@sha256:\(text)")
    case .schemeWithin(let reference, let scheme):
      Explanation(
        what: "cannot read the reference \(printable(reference))",
        why: "\(printable(scheme)):// has no place in it", remedy: Self.form)
    case .schemeUnknown(let scheme, let source):
      Explanation(
        what: "cannot use \(printable(source))",
        why: "there is no source of images called \(printable(scheme))",
        remedy: "known are \(SourceName.schemes.connected(by: ", ")), in lower case")
    case .slashesMissing(let scheme, let rest):
      Explanation(
        what: "cannot use \(scheme):\(printable(rest))", why: "\(scheme): is followed by two slashes",
        remedy: "write \(scheme)://\(printable(rest)), or ./\(scheme):\(printable(rest)) for a file")
    case .tagMissing(let reference):
      Explanation(
        what: "cannot ask a daemon for \(printable(reference))", why: "it has no tag",
        remedy: "write docker-daemon:\(printable(reference)):latest, or the tag you mean")
    case .nothingNamed(let scheme):
      Explanation(what: "cannot use \(scheme)", why: "nothing stands behind it", remedy: "name the image")
    case .url(let url):
      Explanation(
        what: "cannot use \(printable(url))", why: "it is no URL of a file",
        remedy: "write https://HOST/PATH, without a name and password; a blank is written as %20")
    case .noFileName(let source):
      Explanation(
        what: "cannot make a file's name for \(printable(source))", why: "it does not end with a name",
        remedy: "name the file: apus pull FILE.sif \(printable(source))")
    case .platform(let text):
      Explanation(
        what: "cannot read the platform \(printable(text))", why: "it is not OS/ARCHITECTURE[/VARIANT]",
        remedy: "write it like linux/arm64 or linux/arm/v7")
    case .operatingSystem(let name):
      Explanation(
        what: "cannot use images for \(printable(name))", why: "containers run on Linux only",
        remedy: "write linux/ARCHITECTURE")
    case .architecture(let name):
      Explanation(
        what: "cannot read the architecture \(printable(name))", why: "there is none of that name",
        remedy: "known are " + Architecture.allCases.map(\.rawValue).connected(by: ", "))
    }
  }

  private static let form = "write it as [HOST[:PORT]/]NAME[:TAG][@DIGEST]"

  private static func sentence(_ part: Part, _ text: String) -> String {
    let shown = "\"\(printable(text))\""
    return switch part {
    case .registry: "\(shown) is no name of a registry"
    case .component: "\(shown) is no part of a repository's name"
    case .tag: "\(shown) is no tag"
    case .digest: "\(shown) is no digest"
    }
  }

  private static func rule(_ part: Part) -> String {
    switch part {
    case .registry: "write HOST, HOST:PORT or [IPV6]:PORT"
    case .component:
      "use lower-case letters and digits, with single dots, one or two underscores or dashes between them"
    case .tag: "use at most 128 letters, digits, underscores, dots and dashes; no dot or dash at its start"
    case .digest: "write sha256: and 64 lower-case hexadecimal digits, or sha512: and 128"
    }
  }
}
