internal import Glibc
public import Linux

/// Where the bytes of a file come from. A later source (extents of a layer) is one more case.
public enum FileContent: Sendable {
  case bytes([UInt8])
  case host(HostFile)
  case layer(LayerContent)

  /// Bytes of the file.
  public var size: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .host(let file): file.size
    case .layer(let content): content.size
    }
  }

  /// The path for messages.
  public var path: String {
    switch self {
    case .bytes: "a file made here"
    case .host(let file): "/" + RawName.text(file.path)
    case .layer(let content): "file \(content.index) of layer \(content.layer)"
    }
  }

  /// Opens the source for reads from one thread.
  public func open() throws(TreeFault) -> ContentReader {
    switch self {
    case .bytes(let bytes): return ContentReader(bytes: bytes)
    case .host(let file): return ContentReader(file, try file.open())
    case .layer: throw .notHere(path: path)
    }
  }
}

/// A file's bytes in a layer, which lie compressed elsewhere: they are copied from there, never opened here.
public struct LayerContent: Equatable, Sendable {
  /// The layer, counted from 0 at the bottom.
  public let layer: Int
  /// The content among those of its layer.
  public let index: Int
  /// Bytes, at least 1.
  public let size: Int

  public init(layer: Int, index: Int, size: Int) {
    self.layer = layer
    self.index = index
    self.size = size
  }
}

/// A directory whose files are read later, by descriptor.
public final class SourceDirectory: Sendable {
  let descriptor: Descriptor
  public init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
  public var number: Int32 { descriptor.number }
}

/// A file of the host as it was found: named by its path beneath a directory, known by its inode.
public struct HostFile: Sendable {
  let directory: SourceDirectory
  /// Relative to the directory.
  let path: [UInt8]
  let size: Int
  let device: UInt64
  let inode: UInt64

  /// Opens the file that was found, or refuses: another file under the same name is not what was asked for.
  func open() throws(TreeFault) -> Descriptor {
    let shown = "/" + RawName.text(path)
    do throws(SystemCallFault) {
      // O_NONBLOCK: a pipe put there meanwhile must not hold us.
      let file = try RawName.open(path: path, O_RDONLY | O_NONBLOCK | O_NOCTTY, beneath: directory.number)
      let facts = try File.facts(file)
      guard facts.kind == .file, facts.inode == inode, facts.device == device else {
        throw SystemCallFault("", "", 0)
      }
      return file
    } catch { throw error.number == 0 ? .changed(path: shown) : .call(path: shown, error) }
  }
}

/// An open source of bytes.
public struct ContentReader: ~Copyable {
  private let bytes: [UInt8]
  private let file: HostFile?
  /// Owned; -1 without a file.
  private let number: Int32

  deinit { if number >= 0 { close(number) } }

  init(bytes: [UInt8]) {
    self.bytes = bytes
    file = nil
    number = -1
  }

  init(_ file: HostFile, _ descriptor: consuming Descriptor) {
    bytes = []
    self.file = file
    number = descriptor.release()
  }

  /// Fills `buffer` with the bytes at `offset`; a source that has become shorter is a fault.
  public func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(TreeFault) {
    guard let file else {
      unsafe bytes.withUnsafeBytes { source in
        unsafe buffer.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[offset..<offset + buffer.count]))
      }
      return
    }
    let path = "/" + RawName.text(file.path)
    let got: Int
    do throws(SystemCallFault) {
      got = try unsafe File.read(number, at: offset, into: buffer)
    } catch { throw .call(path: path, error) }
    guard got == buffer.count else { throw .changed(path: path) }
  }
}
