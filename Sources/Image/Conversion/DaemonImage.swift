internal import Content
internal import Glibc
internal import HTTP
internal import Model
internal import Reference
internal import Registry

/// Images of the Docker daemon or of podman's service, through their unix socket (Docker Engine API, "Image").
enum DaemonImage {
  private static let usualSocket = "/var/run/docker.sock"

  static func read(_ reference: ImageReference, _ options: AcquisitionOptions) throws(BuildFault)
    -> SourceImage
  {
    let name = "docker-daemon:" + familiar(reference)
    let socket = try socket(options.network.daemon, name)
    try check(socket, name)
    var transport = TransportOptions()
    transport.unixSocket = socket
    // Large images are put together before the first byte comes.
    transport.firstByteLimit = 600
    let version = try version(transport, name, options)
    let answer = try ask("/v\(version)/images/\(escaped(familiar(reference)))/get", transport, name, options)
    if answer.status == 404 {
      throw .daemon(
        name: name, why: "it has no image of that name",
        remedy: "`docker images` lists those it has; is docker://\(printable(familiar(reference))) meant?")
    }
    guard answer.status == 200 else {
      throw .daemon(
        name: name, why: "it answers with status \(answer.status)" + message(of: answer),
        remedy: "look into the daemon's log")
    }
    let archive = try ArchiveFile(answer, name: name, scratch: options.scratch)
    return try DockerArchive.read(archive, selector: nil, platform: options.platform)
  }

  /// What the daemon says about a failure (Docker Engine API, "Errors"), behind a colon.
  private static func message(of answer: WebResource) -> String {
    // Without it the status says what it can.
    guard let bytes = try? answer.readAll(limit: 64 << 10, name: "the daemon's answer"),
      let text = (try? JSON(parsing: bytes))?["message"]?.text
    else { return "" }
    return ": " + text
  }

  /// As the daemon lists it: without the registry and the name space that everybody means.
  private static func familiar(_ reference: ImageReference) -> String {
    var text = reference.text
    for prefix in ["docker.io/library/", "docker.io/"] where text.starts(withBytesOf: prefix) {
      text = String(text.dropFirst(prefix.utf8.count))
      break
    }
    return text
  }

  private static func socket(_ host: String?, _ name: String) throws(BuildFault) -> String {
    guard let host, !host.isEmpty else { return usualSocket }
    if host.starts(withBytesOf: "unix://") { return String(host.dropFirst(7)) }
    if host.first == "/" { return host }
    throw .daemon(
      name: name, why: "DOCKER_HOST is \(host), and only unix sockets are spoken to",
      remedy: "write unix:///PATH in DOCKER_HOST or --docker-host; forward a remote one with ssh -L")
  }

  private static func check(_ socket: String, _ name: String) throws(BuildFault) {
    guard unsafe access(socket, R_OK | W_OK) != 0 else { return }
    switch errno {
    case EACCES:
      throw .daemon(
        name: name, why: "\(socket): permission denied",
        remedy: "be a member of its group (usually docker), or name another with --docker-host")
    case ENOENT, ENOTDIR:
      throw .daemon(
        name: name, why: "\(socket) does not exist",
        remedy: "start the daemon, or name its socket with DOCKER_HOST or --docker-host")
    default:
      throw .daemon(name: name, why: "\(socket): \(unsafe String(cString: strerror(errno)))", remedy: "")
    }
  }

  private static func ask(
    _ path: String, _ transport: TransportOptions, _ name: String, _ options: AcquisitionOptions
  ) throws(BuildFault) -> WebResource {
    guard let address = WebAddress("http://docker" + path) else {
      throw .daemon(name: name, why: "it cannot be asked for that", remedy: "")
    }
    do throws(RegistryFault) {
      return try WebResource.get(
        address, options: options.network.options, transport: transport, isInsecure: true)
    } catch { throw .daemon(name: name, why: error.explanation.why, remedy: "is the daemon running?") }
  }

  /// The version of its interface, which it names itself.
  private static func version(
    _ transport: TransportOptions, _ name: String, _ options: AcquisitionOptions
  ) throws(BuildFault) -> String {
    let answer = try ask("/_ping", transport, name, options)
    let version = answer.headers["api-version"] ?? "1.24"
    do throws(ContentFault) { try answer.drain() } catch { throw .content(error) }
    let isVersion =
      !version.isEmpty && version.utf8.count < 16
      && version.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    return isVersion ? version : "1.24"
  }

  /// A name as one component of a path (RFC 3986, section 2.1); slashes stay, as Docker's own client sends them.
  private static func escaped(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    return String(
      decoding: text.utf8.flatMap { byte -> [UInt8] in
        let isPlain =
          (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || "-._~/:@".utf8.contains(byte)
        return isPlain ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }, as: UTF8.self)
  }
}
