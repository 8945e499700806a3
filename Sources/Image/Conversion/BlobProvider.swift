internal import Content
internal import Glibc
internal import Linux
internal import Model

/// Where the blobs and the named documents of an image lie, on this machine.
protocol BlobProvider: Sendable {
  /// For messages.
  var name: String { get }
  /// The bytes of a document such as `index.json`; nil where there is none.
  func document(_ path: String) throws(BuildFault) -> [UInt8]?
  /// Opens what lies at `path`, with its size; nil where there is nothing.
  func open(_ path: String) throws(ContentFault) -> (source: any ByteSource, size: Int)?
}

extension BlobProvider {
  /// Documents larger than this are refused (manifests: 4 MiB by the distribution specification).
  static var mostDocument: Int { 8 << 20 }

  /// Where a layout keeps a blob (OCI Image Layout, "Blobs").
  static func path(of digest: Digest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

  /// A small blob, verified.
  func blob(_ descriptor: ContentDescriptor, of image: String) throws(BuildFault) -> [UInt8] {
    guard descriptor.size <= Self.mostDocument else {
      throw .oci(.document(name: image, why: "a document of it has \(descriptor.size) bytes"))
    }
    do throws(ContentFault) {
      return try verified(descriptor).readAll(limit: Self.mostDocument, name: descriptor.digest.text)
    } catch { throw .content(error) }
  }

  /// A blob that checks itself as it is read.
  func verified(_ descriptor: ContentDescriptor) throws(ContentFault) -> VerifiedSource {
    guard let (source, _) = try open(Self.path(of: descriptor.digest)) else {
      throw .source(
        Explanation(
          what: "cannot read \(printable(name))", why: "it has no blob \(descriptor.digest.text)",
          remedy: "it is incomplete: save the image anew"))
    }
    return VerifiedSource(
      source, name: descriptor.digest.text, digest: descriptor.digest, size: descriptor.size)
  }
}

/// A directory with an OCI layout.
final class LayoutDirectory: BlobProvider {
  let name: String
  private let directory: Descriptor

  init(_ path: String) throws(BuildFault) {
    name = path
    do throws(SystemCallFault) { directory = try File.open(path, O_RDONLY | O_DIRECTORY) } catch {
      throw .source(path: path, error)
    }
  }

  func document(_ path: String) throws(BuildFault) -> [UInt8]? {
    do throws(ContentFault) {
      guard let (source, size) = try open(path) else { return nil }
      guard size <= Self.mostDocument else { throw .size(of: path, expected: Self.mostDocument, found: size) }
      return try source.readAll(limit: Self.mostDocument, name: path)
    } catch { throw .content(error) }
  }

  func open(_ path: String) throws(ContentFault) -> (source: any ByteSource, size: Int)? {
    do throws(SystemCallFault) {
      // Links inside a layout are followed, but not out of it.
      let file = try RawName.open(
        path: Array(path.utf8), O_RDONLY | O_NONBLOCK | O_NOCTTY, beneath: directory.number)
      let facts = try File.facts(file)
      guard facts.kind == .file else { throw SystemCallFault("open", path, ENOENT) }
      return (FileSource(file, name: "\(name)/\(path)", offset: 0, size: facts.size), facts.size)
    } catch {
      if error.number == ENOENT || error.number == ENOTDIR { return nil }
      throw .source(
        Explanation(
          what: "cannot read \(printable(name + "/" + path))", why: error.explanation.why,
          remedy: error.explanation.remedy))
    }
  }
}
