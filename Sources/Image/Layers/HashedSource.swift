public import Content

/// Passes bytes on and computes their digest: the diff_id of a decompressed layer (OCI Image Format,
/// config.md, "Layer DiffID"), which covers every byte up to the end, also those behind the end of the
/// archive.
@safe public final class HashedSource: ByteSource {
  private let source: any ByteSource
  private let hasher: DigestHasher
  /// Bytes passed on or drained.
  public private(set) var byteCount = 0

  public init(_ source: any ByteSource, _ algorithm: Digest.Algorithm = .sha256) {
    self.source = source
    hasher = DigestHasher(algorithm)
  }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    let count = try unsafe source.read(into: buffer)
    unsafe hasher.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    byteCount += count
    return count
  }

  /// Reads what is left and returns the digest of all bytes. To be called once.
  public func finish() throws(ContentFault) -> Digest {
    try drain()
    return hasher.finish()
  }
}
