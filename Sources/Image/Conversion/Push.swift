internal import Content
internal import Glibc
internal import Linux
internal import Model
public import Reference
public import Registry
internal import SIF

/// Stores a SIF in a registry as the artifact that Apptainer makes of it, key for key: what is pushed by one is the same
/// when the other pushes it (ORAS; Apptainer's `oras` client).
public enum Push {
  /// The configuration of such an artifact, which says nothing.
  private static let configuration = Array("{}".utf8)

  public struct Result: Sendable {
    /// The digest of the manifest.
    public let digest: String
    /// Whether nothing but the manifest had to go.
    public let wasThere: Bool
  }

  /// Whether a SIF carries a signature.
  public static func isSigned(_ path: String) throws(BuildFault) -> Bool {
    let file = try open(path)
    return try read(file, path).descriptors.contains { $0.type == .signature }
  }

  public static func push(
    _ path: String, to reference: ImageReference, through client: RegistryClient,
    progress: @escaping ConversionProgress = { _ in }
  ) throws(BuildFault) -> Result {
    let file = try open(path)
    _ = try read(file, path)
    let size: Int
    do throws(SystemCallFault) { size = try File.facts(file).size } catch { throw .source(path: path, error) }
    let digest = try digest(of: file.number, path: path, size: size)
    let manifest = manifest(digest, size: size, title: OutputFile.split(path).name)
    do throws(RegistryFault) {
      let isThere = try client.hasBlob(digest)
      if !isThere {
        progress(.layer(0, name: digest.text, size: size))
        try client.upload(file.number, size: size, digest: digest) { progress(.read(0, bytes: $1)) }
        progress(.done(0, fromCache: false))
      }
      try pushConfiguration(client)
      let pushed = try client.putManifest(
        manifest, mediaType: OCIMediaType.manifest, tag: reference.tag ?? "latest")
      return Result(digest: pushed.text, wasThere: isThere)
    } catch { throw .registry(error) }
  }

  private static func open(_ path: String) throws(BuildFault) -> Descriptor {
    do throws(SystemCallFault) { return try File.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) } catch {
      throw .source(path: path, error)
    }
  }

  /// Only a SIF is pushed as one.
  private static func read(_ file: borrowing Descriptor, _ path: String) throws(BuildFault) -> SIFFile {
    let facts: FileFacts
    do throws(SystemCallFault) { facts = try File.facts(file) } catch { throw .source(path: path, error) }
    guard facts.kind == .file else { throw .notPushed(path: path) }
    let size = facts.size
    do throws(SIFFault) { return try SIFFile.read(descriptor: file.number, size: size) } catch {
      throw error == .notSIF ? .notPushed(path: path) : .sif(error)
    }
  }

  private static func digest(of file: Int32, path: String, size: Int) throws(BuildFault) -> Digest {
    let hasher = DigestHasher()
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    var done = 0
    while done < size {
      var failure: SystemCallFault?
      let wanted = min(piece.count, size - done)
      unsafe piece.withUnsafeMutableBytes { buffer in
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        do throws(SystemCallFault) {
          guard try unsafe File.read(file, at: done, into: room) == wanted else {
            throw SystemCallFault("read", path, EIO)
          }
          unsafe hasher.add(UnsafeRawBufferPointer(room))
        } catch { failure = error }
      }
      if let failure { throw .source(path: path, failure) }
      done += wanted
    }
    return hasher.finish()
  }

  private static func pushConfiguration(_ client: RegistryClient) throws(RegistryFault) {
    let digest = Digest.of(configuration)
    guard try !client.hasBlob(digest) else { return }
    // MFD_CLOEXEC
    let file = unsafe memfd_create("configuration", 1)
    guard file >= 0, unsafe write(file, configuration, configuration.count) == configuration.count else {
      throw .credential(Explanation(what: "cannot push", why: errorText(errno)))
    }
    defer { close(file) }
    try client.upload(file, size: configuration.count, digest: digest)
  }

  private static func manifest(_ digest: Digest, size: Int, title: String) -> [UInt8] {
    let empty = JSON.object([
      ("mediaType", .string(OCIMediaType.sifConfiguration)),
      ("digest", .string(Digest.of(configuration).text)), ("size", .integer(configuration.count)),
    ])
    let layer = JSON.object([
      ("mediaType", .string(OCIMediaType.sif)), ("digest", .string(digest.text)), ("size", .integer(size)),
      ("annotations", .object([("org.opencontainers.image.title", .string(title))])),
    ])
    return Array(
      JSON.object([
        ("schemaVersion", .integer(2)), ("mediaType", .string(OCIMediaType.manifest)), ("config", empty),
        ("layers", .array([layer])),
      ]).text().utf8)
  }
}
