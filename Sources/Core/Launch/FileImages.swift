public import Model
internal import SIF

/// The file systems in files that a request needs, each once. With `onlyOfBinds` those that it shows at a place, without
/// the layers of its root, and nothing of them writable.
public func wantedImages(
  _ request: LaunchRequest, host: HostFacts, onlyOfBinds: Bool = false
) throws(LaunchFault) -> [FileImage] {
  var images: [FileImage] = []
  func add(_ image: FileImage) {
    if let place = images.firstIndex(where: { $0.isSame(image) }) {
      images[place].isWritable = images[place].isWritable || image.isWritable
    } else {
      images.append(image)
    }
  }
  if !onlyOfBinds, !request.overlays.isEmpty || host.ownImage != nil {
    let overlay = try OverlayChoice(request, host)
    for case .image(let image) in overlay.layers { add(image) }
    if let image = overlay.writableImage { add(image) }
  }
  for bind in try imageBinds(request, host) {
    var image = try bind.image(host)
    if onlyOfBinds { image.isWritable = false }
    add(image)
  }
  return images
}

/// The paths in file systems that are shown, with the key under which what is there is told (`HostFacts.imageKinds`).
public func pathsInImages(
  _ request: LaunchRequest, host: HostFacts
) throws(LaunchFault) -> [(image: FileImage, path: String, key: String)] {
  var paths: [(image: FileImage, path: String, key: String)] = []
  for bind in try imageBinds(request, host) {
    guard let path = bind.imagePath else { continue }
    let image = try bind.image(host)
    paths.append((image, path, image.key(of: path)))
  }
  return paths
}

private func imageBinds(_ request: LaunchRequest, _ host: HostFacts) throws(LaunchFault) -> [BindSpec] {
  let current = host.currentDirectory ?? "/"
  var binds: [BindSpec] = []
  for text in request.binds { binds += try BindGrammar.parse(bind: text, from: current) }
  for text in request.mounts { binds.append(try BindGrammar.parse(mount: text, from: current)) }
  return binds.filter { $0.imagePath != nil }
}

extension FileImage {
  func key(of path: String) -> String { "\(descriptor) \(offset) \(path)" }
}

extension BindSpec {
  /// The file system that the bind names.
  func image(_ host: HostFacts) throws(LaunchFault) -> FileImage {
    func refuse(_ why: String, _ remedy: String) -> LaunchFault {
      .fileImage(option: option, spec: text, why: why, remedy: remedy)
    }
    guard let file = host.images[source] else {
      if host.kinds[source] == .directory {
        throw refuse(
          "\(printable(source)) is a directory", "leave out image-src: directories are bound as they are")
      }
      throw .bindSourceMissing(path: source, spec: text, refusal: host.refusals[source])
    }
    if let obstacle = file.obstacle { throw refuse(obstacle.why, obstacle.remedy) }
    let part: HostImage.Part?
    if let object = imageObject {
      guard file.isSIF else {
        throw refuse(
          "\(printable(source)) is no SIF, and id=\(object) names an object of one", "leave out id")
      }
      part = file.parts.first { $0.id == object }
      if part == nil {
        throw refuse(
          "it has no partition \(object)", "`apus sif list \(printable(source))` shows what it has")
      }
    } else {
      part = file.isSIF ? file.parts.first { $0.use == .data } : file.parts.first
    }
    guard let part else {
      throw refuse(
        "\(printable(source)) has no data partition",
        "name another of its partitions with id=N; `apus sif list \(printable(source))` shows them")
    }
    return try part.image(writable: asksToWrite, of: file, option: option, spec: text)
  }
}
