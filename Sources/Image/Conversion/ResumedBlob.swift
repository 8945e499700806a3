internal import Cache
internal import Content
internal import Linux
internal import Model
internal import Registry

/// A blob of a registry that goes on where an earlier, killed download of it ended: what comes is kept in the cache
/// until the caller has made something of it. Its bytes are verified from the first one on, whoever brought them.
final class ResumedBlob: ByteSource {
  private let descriptor: ContentDescriptor
  private let client: RegistryClient
  private let hasher: DigestHasher
  private var partial: PartialObject?
  /// Bytes to be taken from the partial file.
  private let kept: Int
  private var remote: BlobSource?
  private var offset = 0
  private var isDone = false

  init(_ descriptor: ContentDescriptor, _ client: RegistryClient, _ cache: CacheDirectory?) {
    self.descriptor = descriptor
    self.client = client
    hasher = DigestHasher(descriptor.digest.algorithm)
    // Without it, or while another process is at it, the blob just comes.
    var opened: PartialObject?
    do throws(CacheFault) { opened = try cache?.openPartial(descriptor.digest.hex) } catch { opened = nil }
    if let found = opened.take() {
      // More than there can be is of no use.
      kept = found.size <= descriptor.size ? found.size : 0
      partial = consume found
    } else {
      kept = 0
      partial = nil
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    if isDone { return 0 }
    let count = offset < kept ? try unsafe readKept(buffer) : try unsafe readRemote(buffer)
    offset += count
    guard count == 0 else {
      unsafe hasher.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      return count
    }
    isDone = true
    let found = hasher.finish()
    if offset != descriptor.size || found != descriptor.digest {
      // The next attempt must not build on it.
      if let partial = partial.take() { partial.discard() }
      if offset != descriptor.size {
        throw .size(of: descriptor.digest.text, expected: descriptor.size, found: offset)
      }
      throw .digest(of: descriptor.digest.text, expected: descriptor.digest, found: found)
    }
    return 0
  }

  private func readKept(_ buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, kept - offset)])
    do throws(SystemCallFault) {
      return try unsafe File.read(partial?.number ?? -1, at: offset, into: room)
    } catch { throw .source(error.explanation) }
  }

  private func readRemote(_ buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    if offset == descriptor.size, kept == descriptor.size { return 0 }
    let source = remote ?? client.blob(descriptor, from: offset)
    remote = source
    let count = try unsafe source.read(into: buffer)
    if count > 0, let number = partial?.number {
      do throws(SystemCallFault) {
        try unsafe File.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: number, at: offset)
      } catch {
        // No room to keep it: the download goes on without.
        if let partial = partial.take() { partial.discard() }
      }
    }
    return count
  }
}
