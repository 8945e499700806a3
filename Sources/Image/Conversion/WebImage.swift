internal import Cache
internal import Content
internal import Glibc
internal import HTTP
internal import Layers
internal import Model
internal import Reference
internal import Registry

/// A SIF behind an http or https address.
struct WebImage {
  let options: AcquisitionOptions
  let cache: CacheDirectory

  /// The file, from the cache if the server says that it has not changed.
  func image(_ url: String) throws(BuildFault) -> AcquiredImage {
    let acquisition = Acquisition(options, cache: cache)
    if let image = acquisition.recorded(url, "", since: acquisition.oldestTag) { return image }
    let known = cache.tag(url, platform: "")
    let image = known?.image
    if options.isOffline { throw .offline(name: url) }
    var headers: HTTPHeaders = [:]
    if let image, let mark = known?.etag, cache.has(.images, image) { headers.add("If-None-Match", mark) }
    let answer = try Self.ask(url, headers, options)
    if answer.status == 304, let known, let image, let object = cache.locate(.images, image) {
      record(url, known.digest, image, known.etag)
      return AcquiredImage(object)
    }
    guard answer.status == 200 else { throw .registry(answer.refusal()) }
    let name = try Self.keep(answer, name: url, options: options, cache: cache)
    record(url, Digest.of(Array(name.utf8)), name, answer.headers["etag"])
    guard let object = cache.locate(.images, name) else { throw .vanished(name: url) }
    return AcquiredImage(object)
  }

  /// The file behind an address, without the cache.
  static func write(
    _ url: String, into output: Int32, at path: String, _ options: AcquisitionOptions
  ) throws(BuildFault) {
    let answer = try get(url, options)
    try SIFDownload.write(answer, into: output, at: path, name: url, announced: answer.size) { _ in }
  }

  /// What is at an address, whole.
  static func get(_ url: String, _ options: AcquisitionOptions) throws(BuildFault) -> WebResource {
    let answer = try ask(url, [:], options)
    guard answer.status == 200 else { throw .registry(answer.refusal()) }
    return answer
  }

  /// What a server answers, whatever that is.
  private static func ask(
    _ url: String, _ headers: HTTPHeaders, _ options: AcquisitionOptions
  ) throws(BuildFault) -> WebResource {
    guard let address = WebAddress(url) else { throw .reference(.url(url)) }
    do throws(RegistryFault) {
      return try WebResource.get(
        address, headers: headers, options: options.network.options, isInsecure: options.network.isInsecure)
    } catch { throw .registry(error) }
  }

  private func record(_ url: String, _ digest: Digest, _ image: String, _ mark: String?) {
    Acquisition(options, cache: cache).record(
      TagRecord(
        reference: url, platform: "", digest: digest, image: image, checkedSeconds: time(nil), etag: mark))
  }

  /// Puts the body of an answer into the cache, under the digest of its bytes. `expected`: what the digest must be.
  static func keep(
    _ answer: WebResource, name: String, options: AcquisitionOptions, cache: CacheDirectory,
    expected: Digest? = nil
  ) throws(BuildFault) -> String {
    let progress = options.layers.progress
    let size = answer.size ?? 0
    progress(.layer(0, name: name, size: size))
    // Its name is known when all of it is here.
    var object: UnfinishedObject
    let temporary = Digest.of(Array("\(name) \(getpid())".utf8)).hex
    do throws(CacheFault) { object = try cache.create(.images, temporary, mode: 0o755) } catch {
      throw .cache(error)
    }
    let hashed = HashedSource(answer)
    try SIFDownload.write(
      hashed, into: object.number, at: "\(cache.path)/images/\(temporary)", name: name, announced: answer.size
    ) { progress(.read(0, bytes: $0)) }
    if let size = answer.size, size != hashed.byteCount {
      throw .content(.size(of: name, expected: size, found: hashed.byteCount))
    }
    let digest: Digest
    do throws(ContentFault) { digest = try hashed.finish() } catch { throw .content(error) }
    if let expected, expected != digest {
      throw .content(.digest(of: name, expected: expected, found: digest))
    }
    do throws(CacheFault) {
      try object.rename(to: digest.hex)
      try object.publish()
    } catch { throw .cache(error) }
    progress(.done(0, fromCache: false))
    return digest.hex
  }
}
