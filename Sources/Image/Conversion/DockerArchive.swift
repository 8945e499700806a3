internal import Content
internal import Model
internal import Reference

/// Reads images out of what `docker save` and `podman save` write (Docker Image Specification v1.2, "Combined Image
/// JSON + Filesystem Changeset Format"): `manifest.json` lists the images, newer ones are OCI layouts besides.
enum DockerArchive {
  private struct Image {
    let configuration: String
    let tags: [String]
    let layers: [String]
  }

  /// `selector`: a tag, or `@N` for the N-th image; nil where there is but one.
  static func read(
    _ archive: ArchiveFile, selector: String?, platform: Platform
  ) throws(BuildFault) -> SourceImage {
    guard let bytes = try archive.document("manifest.json") else {
      // A layout without the older list: what it is called makes no difference.
      if try archive.document("oci-layout") != nil {
        return try LayoutImage.read(archive, selector: selector, platform: platform)
      }
      throw .notAnArchive(path: archive.name, why: "it holds no manifest.json")
    }
    let images = try images(bytes, name: archive.name)
    let image = try choose(selector, among: images, of: archive.name)
    guard let configurationBytes = try archive.document(clean(image.configuration)) else {
      throw .notAnArchive(path: archive.name, why: "it lacks the configuration \(image.configuration)")
    }
    let digest = Digest.of(configurationBytes)
    if let layout = try layoutImage(archive, configuration: digest, platform: platform) { return layout }
    var layers: [SourceLayer] = []
    for path in image.layers { layers.append(try layer(clean(path), of: archive)) }
    do throws(OCIFault) {
      return try SourceImage(
        name: archive.name, manifest: nil,
        configuration: try OCIConfiguration(configurationBytes, name: archive.name), layers: layers)
    } catch { throw .oci(error) }
  }

  /// A layer, whose bytes are checked only when they are decompressed: these archives have no other digests.
  private static func layer(_ path: String, of archive: ArchiveFile) throws(BuildFault) -> SourceLayer {
    let missing = BuildFault.notAnArchive(path: archive.name, why: "it lacks the layer \(path)")
    let size: Int
    do throws(ContentFault) { size = try archive.open(path)?.size ?? -1 } catch { throw .content(error) }
    guard size >= 0 else { throw missing }
    return SourceLayer(name: path, size: size, isVerified: false) { () throws(ContentFault) in
      guard let source = try archive.open(path)?.source else { throw .source(missing.explanation) }
      return source
    }
  }

  /// The same image as a layout in the archive has it, with its manifest's digest; nil where there is none.
  private static func layoutImage(
    _ archive: ArchiveFile, configuration: Digest, platform: Platform
  ) throws(BuildFault) -> SourceImage? {
    guard try archive.document("oci-layout") != nil else { return nil }
    for entry in try LayoutImage.index(of: archive) {
      // An entry whose blobs the archive lacks is not the one; the older list still names all of it.
      guard let image = try? LayoutImage.image([entry], in: archive, platform: platform, depth: 0),
        image.configuration.digest == configuration
      else { continue }
      return image
    }
    return nil
  }

  private static func images(_ bytes: [UInt8], name: String) throws(BuildFault) -> [Image] {
    let json: JSON
    do throws(JSONFault) { json = try JSON(parsing: bytes) } catch {
      throw .notAnArchive(
        path: name, why: "its manifest.json is no JSON: \(error.why) at byte \(error.offset)")
    }
    guard case .array(let entries) = json else {
      throw .notAnArchive(path: name, why: "its manifest.json is no list")
    }
    func words(_ json: JSON?) -> [String] {
      guard case .array(let list) = json else { return [] }
      return list.compactMap(\.text)
    }
    return entries.map { entry in
      Image(
        configuration: entry["Config"]?.text ?? "", tags: words(entry["RepoTags"]),
        layers: words(entry["Layers"]))
    }
  }

  private static func choose(
    _ selector: String?, among images: [Image], of name: String
  ) throws(BuildFault) -> Image {
    let shown = images.enumerated().flatMap { number, image in
      image.tags.isEmpty ? ["@\(number)"] : image.tags
    }
    guard let selector else {
      guard images.count == 1 else { throw .selection(path: name, wanted: nil, has: shown) }
      return images[0]
    }
    if selector.hasPrefix("@"), let number = Int(selector.dropFirst()), images.indices.contains(number) {
      return images[number]
    }
    guard let found = images.first(where: { $0.tags.contains { LayoutImage.matches($0, selector) } }) else {
      throw .selection(path: name, wanted: selector, has: shown)
    }
    return found
  }

  /// A member's name as the archive's index has it.
  private static func clean(_ path: String) -> String {
    path.fields(at: UInt8(ascii: "/")).filter { !$0.isEmpty && $0 != "." }.map { String($0) }.connected(
      by: "/")
  }
}
