internal import Cache
internal import Content
internal import Glibc
internal import Model
internal import Reference
internal import Registry

/// A SIF of a library as Sylabs' and its open implementations serve it, without a name and password: what it is under
/// `v1/images`, its bytes under `v1/imagefile` (the clients of Singularity and Apptainer, `library-client`).
struct LibraryImage {
  let options: AcquisitionOptions
  let cache: CacheDirectory

  /// The file, without the cache.
  static func write(
    _ path: String, tag: String, into output: Int32, at target: String, _ options: AcquisitionOptions
  ) throws(BuildFault) {
    let name = "library://\(path):\(tag)"
    guard let library = options.network.library else { throw .noLibrary(name: name) }
    let architecture = options.platform.architecture
    let expected = try digest(library, path, tag, architecture, name, options)
    let answer = try WebImage.get(
      library + "/v1/imagefile/\(path):\(tag)?arch=\(architecture)", options)
    var source: any ByteSource = answer
    if let expected { source = VerifiedSource(source, name: name, digest: expected, size: nil) }
    try SIFDownload.write(source, into: output, at: target, name: name, announced: answer.size) { _ in }
  }

  func image(_ path: String, tag: String) throws(BuildFault) -> AcquiredImage {
    let name = "library://\(path):\(tag)"
    let architecture = options.platform.architecture
    guard let library = options.network.library else { throw .noLibrary(name: name) }
    let key = "\(library) \(name)"
    let acquisition = Acquisition(options, cache: cache)
    if let image = acquisition.recorded(key, options.platform.text, since: acquisition.oldestTag) {
      return image
    }
    if options.isOffline { throw .offline(name: name) }
    let digest = try Self.digest(library, path, tag, architecture, name, options)
    let image: String
    if let digest, cache.has(.images, digest.hex) {
      image = digest.hex
    } else {
      let answer = try WebImage.get(
        library + "/v1/imagefile/\(path):\(tag)?arch=\(architecture)", options)
      image = try WebImage.keep(answer, name: name, options: options, cache: cache, expected: digest)
    }
    acquisition.record(
      TagRecord(
        reference: key, platform: options.platform.text, digest: digest ?? Digest.of(Array(image.utf8)),
        image: image, checkedSeconds: time(nil)))
    guard let object = cache.locate(.images, image) else { throw .vanished(name: name) }
    return AcquiredImage(object)
  }

  /// What the library says the file's digest is; nil where it uses a kind that says nothing of the bytes.
  private static func digest(
    _ library: String, _ path: String, _ tag: String, _ architecture: String, _ name: String,
    _ options: AcquisitionOptions
  ) throws(BuildFault) -> Digest? {
    let answer = try WebImage.get(
      library + "/v1/images/\(path):\(tag)?arch=\(architecture)", options)
    let bytes: [UInt8]
    do throws(ContentFault) { bytes = try answer.readAll(limit: 1 << 20, name: name) } catch {
      throw .content(error)
    }
    guard let hash = (try? JSON(parsing: bytes))?["data"]?["hash"]?.text else {
      throw .oci(.document(name: name, why: "the library's answer names no image"))
    }
    // `sha256.HEX`, and `sif.UUID` of old ones.
    guard hash.starts(withBytesOf: "sha256.") else { return nil }
    guard let digest = Digest("sha256:" + hash.dropFirst(7)) else {
      throw .oci(.document(name: name, why: "the library's answer has a digest that is none"))
    }
    return digest
  }
}
