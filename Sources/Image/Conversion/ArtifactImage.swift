internal import Cache
internal import Content
internal import Model
internal import Reference
internal import Registry

/// A SIF in a registry, as `oras push` and Apptainer store it: a manifest with the one layer that is the file.
struct ArtifactImage {
  let reference: ImageReference
  let client: RegistryClient
  let options: AcquisitionOptions

  private var name: String { "oras://" + reference.text }

  /// The descriptor of the SIF, for the platform where there are several.
  func descriptor(_ fetched: FetchedManifest) throws(BuildFault) -> ContentDescriptor {
    var fetched = fetched
    for _ in 0...RegistryImage.deepestIndex {
      let document: OCIDocument
      do throws(OCIFault) {
        document = try OCIDocument(fetched.bytes, mediaType: fetched.mediaType, name: name)
      } catch { throw .oci(error) }
      switch document {
      case .manifest(let manifest):
        guard manifest.layers.count == 1,
          [OCIMediaType.sif, OCIMediaType.oldSIF].contains(manifest.layers[0].mediaType)
        else {
          if manifest.layers.contains(where: { OCIMediaType.isLayer($0.mediaType) }) {
            throw .oci(.isImage(name: name))
          }
          throw .oci(.notSIF(name: name, types: manifest.layers.map(\.mediaType)))
        }
        return manifest.layers[0]
      case .index(let entries):
        guard let best = options.platform.best(of: entries) else {
          throw .oci(
            .platformMissing(name: name, wanted: options.platform.text, has: Platform.listed(in: entries)))
        }
        do throws(RegistryFault) { fetched = try client.manifest(entries[best].digest) } catch {
          throw .registry(error)
        }
      }
    }
    throw .oci(.nestedTooDeep(name: name))
  }

  /// Gets the SIF into the cache, under the name of its digest.
  func get(_ descriptor: ContentDescriptor, into cache: CacheDirectory) throws(BuildFault) -> String {
    let object = descriptor.digest.hex
    if cache.has(.images, object) { return object }
    var file: UnfinishedObject
    do throws(CacheFault) { file = try cache.create(.images, object, mode: 0o755) } catch {
      throw .cache(error)
    }
    let progress = options.layers.progress
    progress(.layer(0, name: descriptor.digest.text, size: descriptor.size))
    try SIFDownload.write(
      ResumedBlob(descriptor, client, cache), into: file.number, at: "\(cache.path)/images/\(object)",
      name: name, announced: descriptor.size
    ) { progress(.read(0, bytes: $0)) }
    do throws(CacheFault) { try file.publish() } catch { throw .cache(error) }
    cache.removePartial(descriptor.digest.hex)
    progress(.done(0, fromCache: false))
    return object
  }
}
