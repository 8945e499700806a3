internal import Content
internal import Model
internal import Reference

/// Reads images out of OCI layouts, in directories and in archives (OCI Image Layout).
enum LayoutImage {
  /// The name of an entry of `index.json` (OCI Image Layout, "Index").
  private static let nameAnnotation = "org.opencontainers.image.ref.name"
  /// What containerd writes beside it: the whole reference.
  private static let containerdAnnotation = "io.containerd.image.name"
  private static let deepestIndex = 3

  /// `selector`: a name of the index, or `@DIGEST`; nil where there is but one image.
  static func read(
    _ provider: some BlobProvider, selector: String?, platform: Platform
  ) throws(BuildFault) -> SourceImage {
    let entries = try index(of: provider)
    let chosen = try choose(selector, among: entries, of: provider.name)
    return try image(chosen, in: provider, platform: platform, depth: 0)
  }

  /// The entries of `index.json`.
  static func index(of provider: some BlobProvider) throws(BuildFault) -> [ContentDescriptor] {
    guard let layout = try provider.document("oci-layout") else {
      throw .notAnArchive(path: provider.name, why: "it holds no oci-layout")
    }
    guard let version = (try? JSON(parsing: layout))?["imageLayoutVersion"]?.text,
      version.hasPrefix("1.")
    else { throw .notAnArchive(path: provider.name, why: "its oci-layout is of another version than 1") }
    guard let bytes = try provider.document("index.json") else {
      throw .notAnArchive(path: provider.name, why: "it holds no index.json")
    }
    do throws(OCIFault) {
      guard
        case .index(let entries) = try OCIDocument(bytes, mediaType: OCIMediaType.index, name: provider.name)
      else { throw .document(name: provider.name, why: "its index.json is no index") }
      return entries
    } catch { throw .oci(error) }
  }

  private static func names(of entry: ContentDescriptor) -> [String] {
    [nameAnnotation, containerdAnnotation].compactMap { wanted in
      entry.annotations.first { $0.name == wanted }?.value
    }
  }

  private static func choose(
    _ selector: String?, among entries: [ContentDescriptor], of name: String
  ) throws(BuildFault) -> [ContentDescriptor] {
    let shown = entries.map { names(of: $0).first ?? "@" + $0.digest.text }
    guard let selector else {
      // Several entries of one name, or without any, are one image for several platforms.
      guard Set(entries.map { names(of: $0).first ?? "" }).count <= 1 else {
        throw .selection(path: name, wanted: nil, has: shown)
      }
      guard !entries.isEmpty else { throw .selection(path: name, wanted: nil, has: []) }
      return entries
    }
    let found = entries.filter { entry in
      if selector.hasPrefix("@") { return entry.digest.text == selector.dropFirst() }
      return names(of: entry).contains { matches($0, selector) }
    }
    guard !found.isEmpty else { throw .selection(path: name, wanted: selector, has: shown) }
    return found
  }

  /// Whether a name of the index is what was asked for: as it stands, or the same reference.
  static func matches(_ name: String, _ selector: String) -> Bool {
    if name == selector { return true }
    if let one = try? ImageReference(parsing: name), let other = try? ImageReference(parsing: selector),
      one.text == other.text
    {
      return true
    }
    // A tag alone, as the specification's own examples have it.
    return name.hasSuffix(":" + selector)
  }

  /// The image of one of `entries`, for the platform.
  static func image(
    _ entries: [ContentDescriptor], in provider: some BlobProvider, platform: Platform, depth: Int
  ) throws(BuildFault) -> SourceImage {
    guard depth < deepestIndex else { throw .oci(.nestedTooDeep(name: provider.name)) }
    let entry: ContentDescriptor
    if depth == 0, entries.count == 1, entries[0].architecture.isEmpty {
      // A layout of one image does not say for which platform: the image does.
      entry = entries[0]
    } else {
      guard let best = platform.best(of: entries) else {
        throw .oci(
          .platformMissing(name: provider.name, wanted: platform.text, has: Platform.listed(in: entries)))
      }
      entry = entries[best]
    }
    let bytes = try provider.blob(entry, of: provider.name)
    let document: OCIDocument
    do throws(OCIFault) {
      document = try OCIDocument(bytes, mediaType: entry.mediaType, name: provider.name)
    } catch { throw .oci(error) }
    switch document {
    case .index(let inner): return try image(inner, in: provider, platform: platform, depth: depth + 1)
    case .manifest(let manifest): return try image(manifest, digest: entry.digest, in: provider)
    }
  }

  private static func image(
    _ manifest: OCIManifest, digest: Digest, in provider: some BlobProvider
  ) throws(BuildFault) -> SourceImage {
    let layers = try manifest.fileSystemLayers(of: provider.name)
    let bytes = try provider.blob(manifest.configuration, of: provider.name)
    do throws(OCIFault) {
      return try SourceImage(
        name: provider.name, manifest: digest,
        configuration: try OCIConfiguration(bytes, name: provider.name),
        layers: layers.map { layer in
          SourceLayer(name: layer.digest.text, size: layer.size) { () throws(ContentFault) in
            try provider.verified(layer)
          }
        })
    } catch { throw .oci(error) }
  }
}

extension OCIManifest {
  /// The layers, if all of them are layers of a file system.
  func fileSystemLayers(of name: String) throws(BuildFault) -> [ContentDescriptor] {
    let others = layers.map(\.mediaType).filter { !OCIMediaType.isLayer($0) }
    if others.contains(where: { [OCIMediaType.sif, OCIMediaType.oldSIF].contains($0) }) {
      throw .oci(.isSIF(name: name))
    }
    guard others.isEmpty, !layers.isEmpty else {
      throw .oci(.notAnImage(name: name, types: others))
    }
    return layers
  }
}
