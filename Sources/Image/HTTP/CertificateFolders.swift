internal import Glibc
internal import Linux
public import Model

/// The certificates a site keeps for one registry (containers-certs.d(5)).
public struct HostCertificates: Equatable, Sendable {
  public struct Client: Equatable, Sendable {
    public let certificate: String
    public let key: String

    public init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// Paths of PEM files with authorities that are trusted beside the system's.
  public var authorities: [String] = []
  /// With what we say who we are.
  public var client: Client?

  public init(authorities: [String] = [], client: Client? = nil) {
    self.authorities = authorities
    self.client = client
  }
}

/// Where certificates for registries are kept: `certs.d/HOST[:PORT]/` with `*.crt` for authorities and
/// `*.cert` beside `*.key` of the same name for ourselves.
public struct CertificateFolders: Equatable, Sendable {
  /// `…/certs.d`, in the order in which they are looked into.
  public let folders: [String]

  public init(folders: [String]) { self.folders = folders }

  /// The user's, then the two of the system.
  public init(environment: (String) -> String?, home: String?) {
    var folders = ["/etc/containers/certs.d", "/etc/docker/certs.d"]
    if let folder = environment("XDG_CONFIG_HOME"), !folder.isEmpty {
      folders.insert(folder + "/containers/certs.d", at: 0)
    } else if let home {
      folders.insert(home + "/.config/containers/certs.d", at: 0)
    }
    self.folders = folders
  }

  /// The files for a host, `HOST[:PORT]`. The first folder that is there for it counts, as in podman, and of
  /// several client certificates the first by name. `listing` gives the names in a folder, nil where there is
  /// none.
  public func certificates(
    for host: String, listing: (_ folder: String) throws(CertificateFault) -> [String]?
  ) throws(CertificateFault) -> HostCertificates {
    // It comes from references and challenges; as a path component it must not lead elsewhere.
    guard !host.isEmpty, !host.utf8.contains(UInt8(ascii: "/")), host != ".", host != ".." else {
      return HostCertificates()
    }
    // Requests to Docker Hub go to another host than references name.
    let names =
      host == "registry-1.docker.io" || host == "docker.io" ? ["docker.io", "registry-1.docker.io"] : [host]
    for folder in folders {
      for name in names {
        let place = folder + "/" + name
        if let files = try listing(place) { return try Self.certificates(in: place, files.sorted()) }
      }
    }
    return HostCertificates()
  }

  /// The files for a host, read from disk.
  public func read(for host: String) throws(CertificateFault) -> HostCertificates {
    try certificates(for: host) { folder throws(CertificateFault) in
      do throws(SystemCallFault) {
        let directory = try File.open(folder, O_RDONLY | O_DIRECTORY)
        return try File.names(in: directory)
      } catch {
        // A folder that is root's alone is not meant for us; the next may be.
        if [ENOENT, ENOTDIR, EACCES].contains(error.number) { return nil }
        throw .unreadable(path: folder, why: errorText(error.number))
      }
    }
  }

  private static func certificates(
    in folder: String, _ names: [String]
  ) throws(CertificateFault) -> HostCertificates {
    func stems(_ ending: String) -> [String] {
      names.filter {
        $0.utf8.count > ending.utf8.count && $0.utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8)
      }
      .map { String($0.dropLast(ending.count)) }
    }
    let keys = stems(".key")
    let certificates = stems(".cert")
    for stem in certificates where !keys.contains(stem) {
      throw .keyMissing(certificate: "\(folder)/\(stem).cert")
    }
    for stem in keys where !certificates.contains(stem) {
      throw .certificateMissing(key: "\(folder)/\(stem).key")
    }
    return HostCertificates(
      authorities: stems(".crt").map { "\(folder)/\($0).crt" },
      client: certificates.first.map {
        .init(certificate: "\(folder)/\($0).cert", key: "\(folder)/\($0).key")
      })
  }
}

/// Why the certificates for a registry cannot be used.
public enum CertificateFault: Error, Equatable, Sendable {
  case unreadable(path: String, why: String)
  case keyMissing(certificate: String)
  case certificateMissing(key: String)
}

extension CertificateFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .unreadable(let path, let why):
      Explanation(
        what: "cannot read the certificates in \(printable(path))", why: why, remedy: "check its permissions")
    case .keyMissing(let certificate):
      Explanation(
        what: "cannot use the client certificate \(printable(certificate))",
        why: "there is no .key of the same name beside it",
        remedy: "put its key there; certificates of authorities end with .crt")
    case .certificateMissing(let key):
      Explanation(
        what: "cannot use the client key \(printable(key))",
        why: "there is no .cert of the same name beside it",
        remedy: "put its certificate there; certificates of authorities end with .crt")
    }
  }
}
