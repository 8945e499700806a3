public import Cache
internal import Content
internal import Glibc
public import Linux
internal import Model
public import Reference
internal import Registry

/// An image that was got: a SIF of this machine, kept from being removed for as long as the descriptor is open.
public struct AcquiredImage: ~Copyable {
  public let path: String
  /// Open for reading, and what keeps the object.
  public let descriptor: Descriptor
  /// Bytes.
  public let size: Int

  init(_ object: consuming CachedObject) {
    path = object.path
    size = object.size
    descriptor = object.takeDescriptor()
  }
}

/// Gets images from registries, archives and daemons into the cache, each once: whoever asks for one while another
/// process is at it waits and takes what that one made.
public struct Acquisition: Sendable {
  let options: AcquisitionOptions
  let cache: CacheDirectory

  /// Counts up when the same manifest gives other bytes.
  static let formatVersion = 1

  public init(_ options: AcquisitionOptions, cache: CacheDirectory) {
    self.options = options
    self.cache = cache
  }

  public func image(_ source: SourceName) throws(BuildFault) -> AcquiredImage {
    switch source {
    case .registry(let reference):
      return try tagged("docker://" + reference.text, reference) { known throws(BuildFault) in
        try asked(reference, known) { client, fetched, warnings throws(BuildFault) in
          ManifestStore.write(fetched.bytes, fetched.digest, cache)
          return try convert(
            RegistryImage(reference: reference, client: client, options: options).image(fetched), &warnings)
        }
      }
    case .oras(let reference):
      return try tagged("oras://" + reference.text, reference) { known throws(BuildFault) in
        try asked(reference, known) { client, fetched, _ throws(BuildFault) in
          let artifact = ArtifactImage(reference: reference, client: client, options: options)
          return try artifact.get(try artifact.descriptor(fetched), into: cache)
        }
      }
    case .dockerArchive, .ociArchive, .ociLayout, .dockerDaemon:
      return try converted(try LocalImage.read(source, options))
    case .web(let url): return try WebImage(options: options, cache: cache).image(url)
    case .library(let path, let tag):
      return try LibraryImage(options: options, cache: cache).image(path, tag: tag)
    case .hub(let text): throw .hubIsGone(text)
    case .path(let path): throw .unknownSource(path: path)
    }
  }

  /// What asking a registry gave: the digest that the reference points to now, and the name of the image made of it.
  struct Answer {
    let digest: Digest
    let image: String
    var warnings: [String] = []
  }

  /// The image of a reference: what is known of it if that is recent enough, else what the registry says. One process
  /// asks, those that came meanwhile wait for its answer.
  private func tagged(
    _ name: String, _ reference: ImageReference,
    ask: (_ known: TagRecord?) throws(BuildFault) -> Answer
  ) throws(BuildFault) -> AcquiredImage {
    let platform = options.platform.text
    let started = time(nil)
    // A digest always means the same.
    let oldest = reference.digest != nil ? 0 : oldestTag
    if let image = recorded(name, platform, since: oldest) { return image }
    if options.isOffline { throw .offline(name: name) }
    let outcome: LockOutcome
    do throws(CacheFault) {
      outcome = try cache.lock(Digest.of(Array((name + platform).utf8)).hex, work: "gets \(name)") {
        isRecorded(name, platform, since: max(oldest, started))
      } notice: {
        options.layers.notice($0)
      }
    } catch { throw .cache(error) }
    if let image = recorded(name, platform, since: max(oldest, started)) { return image }
    let answer = try ask(cache.tag(name, platform: platform))
    record(
      TagRecord(
        reference: name, platform: platform, digest: answer.digest, image: answer.image,
        checkedSeconds: time(nil), warnings: answer.warnings))
    _ = consume outcome
    guard let object = cache.locate(.images, answer.image) else { throw .vanished(name: name) }
    return AcquiredImage(object)
  }

  private func isRecorded(_ name: String, _ platform: String, since oldest: Int) -> Bool {
    guard let record = cache.tag(name, platform: platform), record.checkedSeconds >= oldest,
      let image = record.image
    else { return false }
    return cache.has(.images, image)
  }

  /// When what is known of a tag must have been checked to be used without asking, in seconds of the epoch.
  var oldestTag: Int { options.isOffline ? 0 : time(nil) - options.tagSeconds + 1 }

  /// Keeps what a tag points to. Without the record it is only asked again, but the user should know of it.
  func record(_ record: TagRecord) {
    do throws(CacheFault) { try cache.setTag(record) } catch {
      options.layers.notice(Notice(.warning, error.explanation.what + ": " + error.explanation.why))
    }
  }

  /// The image of a record that was checked since `oldest`.
  func recorded(_ name: String, _ platform: String, since oldest: Int) -> AcquiredImage? {
    guard let record = cache.tag(name, platform: platform), record.checkedSeconds >= oldest,
      let image = record.image, let object = cache.locate(.images, image)
    else { return nil }
    if options.isOffline, time(nil) - record.checkedSeconds > options.tagSeconds {
      options.layers.notice(
        Notice(.info, "Using \(printable(name)) as it was \(Self.age(record.checkedSeconds)) ago"))
    }
    for text in record.warnings { options.layers.notice(Notice(options.keptWarnings, printable(text))) }
    return AcquiredImage(object)
  }

  private static func age(_ then: Int) -> String {
    let seconds = max(0, time(nil) - then)
    if seconds >= 172_800 { return "\(seconds / 86_400) days" }
    return seconds >= 7200 ? "\(seconds / 3600) hours" : "\(max(1, seconds / 60)) minutes"
  }

  /// Asks a registry what the reference points to now. `image` gets or makes what its manifest describes, unless that
  /// is known and here, and adds what is to be said of it.
  private func asked(
    _ reference: ImageReference, _ known: TagRecord?,
    image: (RegistryClient, FetchedManifest, _ warnings: inout [String]) throws(BuildFault) -> String
  ) throws(BuildFault) -> Answer {
    let client: RegistryClient
    do throws(RegistryFault) { client = try options.network.client(reference) } catch {
      throw .registry(error)
    }
    if let known, let name = known.image, cache.has(.images, name) {
      // One question without a body, which registries do not count.
      let digest: Digest?
      do throws(RegistryFault) { digest = try client.head() } catch { throw .registry(error) }
      if digest == known.digest {
        let fresh = texts(client, reference)
        let old = known.warnings.filter { !fresh.contains($0) }
        for text in fresh { options.layers.notice(Notice(.warning, text)) }
        for text in old { options.layers.notice(Notice(options.keptWarnings, printable(text))) }
        return Answer(digest: known.digest, image: name, warnings: fresh + old)
      }
    }
    let fetched: FetchedManifest
    do throws(RegistryFault) { fetched = try client.manifest(nil) } catch { throw .registry(error) }
    var warnings: [String] = []
    let name = try image(client, fetched, &warnings)
    let said = texts(client, reference)
    for text in said { options.layers.notice(Notice(.warning, text)) }
    return Answer(digest: fetched.digest, image: name, warnings: said + warnings)
  }

  /// What a registry wants people to read (OCI Distribution Specification, "Warnings").
  private func texts(_ client: RegistryClient, _ reference: ImageReference) -> [String] {
    client.warnings.map { "\(printable(reference.registry)) says: \($0)" }
  }

  /// The image converted, in the cache.
  private func converted(_ image: SourceImage) throws(BuildFault) -> AcquiredImage {
    var warnings: [String] = []
    let name = try convert(image, &warnings)
    guard let object = cache.locate(.images, name) else { throw .vanished(name: image.name) }
    return AcquiredImage(object)
  }

  /// Converts an image unless that was done before, tells what is to be said of it, and adds that. Returns its name in
  /// the cache.
  private func convert(_ image: SourceImage, _ warnings: inout [String]) throws(BuildFault) -> String {
    let name = imageName(image)
    if cache.has(.images, name) { return name }
    let outcome: LockOutcome
    do throws(CacheFault) {
      outcome = try cache.lock(name, work: "converts \(image.name)") {
        cache.has(.images, name)
      } notice: {
        options.layers.notice($0)
      }
    } catch { throw .cache(error) }
    if cache.has(.images, name) { return name }
    var object: UnfinishedObject
    do throws(CacheFault) { object = try cache.create(.images, name, mode: 0o755) } catch {
      throw .cache(error)
    }
    var layers = options.layers
    layers.imageIsCached = true
    let result: SIFBuild.Result
    do throws(BuildFault) { result = try SIFBuild.write(image, into: object.number, layers) } catch {
      throw error.writing("\(cache.path)/images/\(name)")
    }
    for omission in result.omissions { options.layers.notice(Notice(.warning, printable(omission))) }
    warnings += result.omissions
    do throws(CacheFault) { try object.publish() } catch { throw .cache(error) }
    _ = consume outcome
    return name
  }

  /// Everything that the bytes of the SIF follow from.
  private func imageName(_ image: SourceImage) -> String {
    let writer = options.layers.writer
    let parts = [
      "sif \(Self.formatVersion)", image.manifest?.text ?? "", image.configuration.digest.text,
      LayerConversion.segmentName(image.configuration.digest, writer),
      options.layers.time.map { "\($0)" } ?? "",
      options.layers.fixesPermissions ? "fixed" : "",
    ]
    return Digest.of(Array(parts.joined(separator: "\n").utf8)).hex
  }
}
