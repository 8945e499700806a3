internal import Content
internal import Glibc
internal import Linux

/// Copies the whole of a file and computes the digest of what was written. More than `size` bytes are refused
/// (EFBIG).
func copy(
  _ source: Int32, to target: Int32, size: Int, _ algorithm: Digest.Algorithm = .sha256
) throws(SystemCallFault) -> (size: Int, digest: Digest) {
  let hasher = DigestHasher(algorithm)
  var piece = [UInt8](repeating: 0, count: 1 << 20)
  var offset = 0
  while true {
    var failure: SystemCallFault?
    let count = unsafe piece.withUnsafeMutableBytes { buffer in
      do throws(SystemCallFault) {
        let count = try unsafe File.read(source, at: offset, into: buffer)
        guard count <= size - offset else { throw SystemCallFault("read", "", EFBIG) }
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
        unsafe hasher.add(bytes)
        try unsafe File.write(bytes, to: target, at: offset)
        return count
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    if count == 0 { return (offset, hasher.finish()) }
    offset += count
  }
}
