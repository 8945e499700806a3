internal import Cache
internal import Content
internal import Linux
internal import Model
internal import Reference
internal import Registry

/// Reads an image of a registry: manifests and configuration now, layers when they are wanted.
struct RegistryImage {
  /// Indexes within each other.
  static let deepestIndex = 3

  let reference: ImageReference
  let client: RegistryClient
  let options: AcquisitionOptions

  private var name: String { "docker://" + reference.text }

  /// The image that `document` stands for, for the platform.
  func image(_ fetched: FetchedManifest) throws(BuildFault) -> SourceImage {
    var fetched = fetched
    for _ in 0...Self.deepestIndex {
      let document: OCIDocument
      do throws(OCIFault) {
        document = try OCIDocument(fetched.bytes, mediaType: fetched.mediaType, name: name)
      } catch { throw .oci(error) }
      switch document {
      case .manifest(let manifest):
        return try image(manifest, fetched.digest).checked(for: options.platform)
      case .index(let entries):
        guard let best = options.platform.best(of: entries) else {
          throw .oci(
            .platformMissing(name: name, wanted: options.platform.text, has: Platform.listed(in: entries)))
        }
        fetched = try manifest(entries[best].digest)
        guard fetched.bytes.count == entries[best].size else {
          throw .content(
            .size(of: entries[best].digest.text, expected: entries[best].size, found: fetched.bytes.count))
        }
      }
    }
    throw .oci(.nestedTooDeep(name: name))
  }

  /// A manifest by its digest, from the cache where it has it.
  private func manifest(_ digest: Digest) throws(BuildFault) -> FetchedManifest {
    if let bytes = ManifestStore.read(digest, options.cache) {
      return FetchedManifest(bytes: bytes, mediaType: "", digest: digest)
    }
    let fetched: FetchedManifest
    do throws(RegistryFault) { fetched = try client.manifest(digest) } catch { throw .registry(error) }
    ManifestStore.write(fetched.bytes, digest, options.cache)
    return fetched
  }

  private func image(_ manifest: OCIManifest, _ digest: Digest) throws(BuildFault) -> SourceImage {
    let layers = try manifest.fileSystemLayers(of: name)
    let descriptor = manifest.configuration
    let bytes: [UInt8]
    if let kept = ManifestStore.read(descriptor.digest, options.cache) {
      bytes = kept
    } else {
      do throws(ContentFault) {
        guard descriptor.size <= ManifestStore.most else {
          throw .size(of: descriptor.digest.text, expected: ManifestStore.most, found: descriptor.size)
        }
        bytes = try VerifiedSource(
          client.blob(descriptor), name: descriptor.digest.text, digest: descriptor.digest,
          size: descriptor.size
        ).readAll(limit: ManifestStore.most, name: descriptor.digest.text)
      } catch { throw .content(error) }
      ManifestStore.write(bytes, descriptor.digest, options.cache)
    }
    let client = client
    let cache = options.cache
    let source: SourceImage
    do throws(OCIFault) {
      source = try SourceImage(
        name: name, manifest: digest, configuration: try OCIConfiguration(bytes, name: name),
        layers: layers.map { layer in
          SourceLayer(
            name: layer.digest.text, size: layer.size,
            open: { ResumedBlob(layer, client, cache) },
            forget: { cache?.removePartial(layer.digest.hex) })
        }, isLocal: false)
    } catch { throw .oci(error) }
    return source
  }
}

/// Manifests and configurations in the cache, so that an image can be converted anew without the network.
enum ManifestStore {
  /// Bytes of a document (manifests: 4 MiB by the distribution specification).
  static let most = 8 << 20

  /// Verified; nil where there is none, or a damaged one.
  static func read(_ digest: Digest, _ cache: CacheDirectory?) -> [UInt8]? {
    guard let file = cache?.find(.manifests, digest.hex),
      let bytes = try? File.readAll(file, limit: most), Digest.of(bytes, digest.algorithm) == digest
    else { return nil }
    return bytes
  }

  /// What cannot be kept is got again.
  static func write(_ bytes: [UInt8], _ digest: Digest, _ cache: CacheDirectory?) {
    guard let cache, var object = try? cache.create(.manifests, digest.hex) else { return }
    guard (try? File.write(bytes, to: object.number)) != nil else { return }
    _ = try? object.publish()
  }
}
