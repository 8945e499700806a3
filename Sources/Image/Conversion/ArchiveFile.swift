internal import Content
internal import Glibc
internal import Layers
internal import Linux
internal import Model

/// A tar archive with an image in it, whose members are read where they lie. A compressed one is decompressed once into
/// a file without a name.
final class ArchiveFile: BlobProvider {
  private struct Member: Sendable {
    let offset: Int
    let size: Int
  }

  let name: String
  private let file: Descriptor
  private let members: [String: Member]
  /// Names that lead to other members (links of older `docker save`).
  private let links: [String: String]

  /// More members than any archive of an image has.
  private static let mostMembers = 1_000_000
  /// Links from member to member that are followed.
  private static let deepestLink = 8

  /// `scratch`: a directory for the decompressed archive.
  convenience init(_ path: String, scratch: String) throws(BuildFault) {
    let file: Descriptor
    do throws(SystemCallFault) { file = try File.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) } catch {
      throw .source(path: path, error)
    }
    let start: [UInt8]
    let size: Int
    do throws(SystemCallFault) {
      let facts = try File.facts(file)
      guard facts.kind == .file else {
        throw SystemCallFault("read", path, facts.kind == .directory ? EISDIR : EINVAL)
      }
      size = facts.size
      start = try file.firstBytes(6)
    } catch { throw .source(path: path, error) }
    guard size > 0 else { throw .notAnArchive(path: path, why: "the file is empty") }
    if InflatedSource.kind(of: start) == .plain {
      try self.init(file, name: path, size: size)
    } else {
      let source = FileSource(file, name: path, offset: 0, size: size)
      try self.init(InflatedSource(source, name: path), name: path, scratch: scratch)
    }
  }

  /// An archive that comes as a stream: kept in a file without a name in `scratch`.
  convenience init(_ stream: any ByteSource, name: String, scratch: String) throws(BuildFault) {
    let file: Descriptor
    do throws(SystemCallFault) { file = try Self.unnamedFile(in: scratch) } catch {
      throw .output(path: scratch, error)
    }
    let size = try Self.spool(stream, into: file.number, scratch: scratch)
    try self.init(file, name: name, size: size)
  }

  private init(_ file: consuming Descriptor, name: String, size: Int) throws(BuildFault) {
    let copy: Descriptor
    do throws(SystemCallFault) { copy = try file.duplicate() } catch { throw .source(path: name, error) }
    let reader = TarReader(FileSource(copy, name: name, offset: 0, size: size), name: name)
    var members: [String: Member] = [:]
    var links: [String: String] = [:]
    while let entry = try Self.next(reader, of: name) {
      // A path in such an archive is a name: bytes that are no text name nothing that is looked for.
      let path = Self.text(entry.path)
      members[path] = nil
      links[path] = nil
      switch entry.kind {
      case .file(let size): members[path] = Member(offset: reader.contentOffset, size: size)
      case .link(let target): links[path] = Self.resolved(target, from: entry.path)
      case .hardLink(let target): links[path] = Self.text(target)
      default: continue
      }
      guard members.count + links.count <= Self.mostMembers else {
        throw .notAnArchive(path: name, why: "it has more than \(Self.mostMembers) members")
      }
    }
    self.name = name
    self.file = file
    self.members = members
    self.links = links
  }

  private static func next(_ reader: TarReader, of name: String) throws(BuildFault) -> LayerEntry? {
    do throws(LayerFault) { return try reader.next() } catch {
      throw .notAnArchive(path: name, why: error.explanation.why)
    }
  }

  private static func text(_ path: [[UInt8]]) -> String {
    String(decoding: Array(path.joined(separator: [0x2F])), as: UTF8.self)
  }

  /// What a link at `path` names, from the root of the archive.
  private static func resolved(_ target: [UInt8], from path: [[UInt8]]) -> String {
    var parts = target.first == 0x2F ? [] : Array(path.dropLast())
    for name in target.split(separator: 0x2F) {
      if name.elementsEqual([0x2E]) { continue }
      if name.elementsEqual([0x2E, 0x2E]) { _ = parts.popLast() } else { parts.append(Array(name)) }
    }
    return text(parts)
  }

  private func member(_ path: String) -> Member? {
    var path = path
    for _ in 0...Self.deepestLink {
      if let member = members[path] { return member }
      guard let next = links[path] else { return nil }
      path = next
    }
    return nil
  }

  func document(_ path: String) throws(BuildFault) -> [UInt8]? {
    guard let member = member(path) else { return nil }
    guard member.size <= Self.mostDocument else {
      throw .notAnArchive(path: name, why: "\(path) in it has \(member.size) bytes")
    }
    do throws(SystemCallFault) {
      return try File.bytes(of: file.number, at: member.offset, count: member.size)
    } catch { throw .source(path: name, error) }
  }

  func open(_ path: String) throws(ContentFault) -> (source: any ByteSource, size: Int)? {
    guard let member = member(path) else { return nil }
    let copy: Descriptor
    do throws(SystemCallFault) { copy = try file.duplicate() } catch { throw .source(error.explanation) }
    return (
      FileSource(copy, name: "\(name): \(path)", offset: member.offset, size: member.size), member.size
    )
  }

  /// Writes all of `source`. Returns how many bytes that were.
  private static func spool(
    _ source: any ByteSource, into file: Int32, scratch: String
  ) throws(BuildFault) -> Int {
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    var size = 0
    while true {
      let count: Int
      do throws(ContentFault) { count = try source.read(into: &piece) } catch { throw .content(error) }
      if count == 0 { return size }
      var failure: SystemCallFault?
      unsafe piece.withUnsafeBytes { bytes in
        do throws(SystemCallFault) {
          try unsafe File.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: file, at: size)
        } catch { failure = error }
      }
      if let failure {
        let least = size + count
        throw BuildFault.output(path: scratch, failure).needing { _ in .atLeast(least) }
      }
      size += count
    }
  }

  /// A file that goes with its descriptor.
  static func unnamedFile(in directory: String) throws(SystemCallFault) -> Descriptor {
    do throws(SystemCallFault) { return try File.open(directory, O_TMPFILE | O_RDWR, mode: 0o600) } catch {
      guard [EOPNOTSUPP, EISDIR, ENOENT, EINVAL].contains(error.number) else { throw error }
    }
    while true {
      // Threads of one process and processes that died in between must not meet.
      let path = "\(directory)/.apus-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
      do throws(SystemCallFault) {
        let file = try File.open(path, O_CREAT | O_EXCL | O_RDWR, mode: 0o600)
        _ = unsafe unlink(path)
        return file
      } catch { if error.number != EEXIST { throw error } }
    }
  }
}
