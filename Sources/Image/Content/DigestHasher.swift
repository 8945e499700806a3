internal import CCrypto

/// Computes digests piece by piece, with the processor's own instructions where it has them (OpenSSL EVP). One thread
/// uses it at a time.
@safe public final class DigestHasher {
  private let context: OpaquePointer
  private let kind: OpaquePointer
  private let algorithm: Digest.Algorithm

  public init(_ algorithm: Digest.Algorithm = .sha256) {
    // Both fail only without memory or without a usable library: then nothing here could go on.
    guard let context = unsafe EVP_MD_CTX_new(),
      let kind = unsafe algorithm == .sha256 ? EVP_sha256() : EVP_sha512(),
      unsafe EVP_DigestInit_ex(context, kind, nil) == 1
    else { fatalError("the cryptographic library computes no digests") }
    unsafe self.context = context
    unsafe self.kind = kind
    self.algorithm = algorithm
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  public func add(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    unsafe EVP_DigestUpdate(context, start, bytes.count)
  }

  /// The bytes of the digest of all that was added. The next piece begins a new one.
  public func finishBytes() -> [UInt8] {
    var count: UInt32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: algorithm.byteCount) { buffer, initialized in
      unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, &count)
      initialized = Int(count)
    }
    unsafe EVP_DigestInit_ex(context, kind, nil)
    return bytes
  }

  /// The digest of all that was added. The next piece begins a new one.
  public func finish() -> Digest { Digest(algorithm, bytes: finishBytes()) }
}
