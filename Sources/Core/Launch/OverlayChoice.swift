internal import Model
internal import SIF

/// The word of one `--overlay`: `PATH[:ro|:rw]`.
struct OverlaySpec: Equatable, Sendable {
  let path: String
  let isReadOnly: Bool
  /// As the user wrote it, for messages.
  let text: String

  init(_ text: String) {
    self.text = text
    isReadOnly = text.hasSuffix(":ro")
    path = isReadOnly || text.hasSuffix(":rw") ? String(text.dropLast(3)) : text
  }
}

/// What lies over the image: at most one place to write to, which is on top, and layers to read.
struct OverlayChoice: Equatable, Sendable {
  var writableDirectory: String?
  var writableImage: FileImage?
  /// The last on top.
  var layers: [RootLayer] = []

  init(_ request: LaunchRequest, _ host: HostFacts) throws(LaunchFault) {
    try addOwn(request, host)
    for spec in request.overlays.map(OverlaySpec.init) {
      let path = ContainerPath.normalized(spec.path, from: host.currentDirectory ?? "/")
      switch host.kinds[path] {
      case nil:
        let why = host.refusals[path].map { "cannot be reached: \($0)" } ?? "does not exist on this host"
        throw .overlaySyntax(spec: spec.text, why: "\(printable(path)) \(why)")
      case .other: try add(spec, path, host)
      case .directory:
        if spec.isReadOnly {
          layers.append(.directory(path))
        } else {
          guard !isWritten else { throw .severalWritableOverlays }
          writableDirectory = path
        }
      }
    }
    showEachOnce()
    if request.writable, !request.overlays.isEmpty { throw .overlayWithWritable }
    if isWritten, request.writableTemporary, !request.writable { throw .severalWritableOverlays }
  }

  private var isWritten: Bool { writableDirectory != nil || writableImage != nil }

  /// A file system that is named twice, as that of `--overlay x.sif x.sif`, is shown where it lies highest: the kernel
  /// refuses layers that are the same.
  private mutating func showEachOnce() {
    var shown: [FileImage] = writableImage.map { [$0] } ?? []
    var left: [RootLayer] = []
    for layer in layers.reversed() {
      if case .image(let image) = layer {
        if shown.contains(where: { $0.isSame(image) }) { continue }
        shown.append(image)
      }
      left.append(layer)
    }
    layers = left.reversed()
  }

  /// The partition of the image itself, lowest of all.
  private mutating func addOwn(_ request: LaunchRequest, _ host: HostFacts) throws(LaunchFault) {
    guard let file = host.ownImage else { return }
    for part in file.parts where part.use == .overlay && part.isOfRoot {
      let isWritten = request.writable && part.image.fileSystem == .ext
      let image = try part.image(
        writable: isWritten, of: file, option: request.writable ? "--writable" : "the overlay partition",
        spec: request.writable ? "" : "of \(request.imagePath)")
      if isWritten, writableImage == nil { writableImage = image } else { layers.append(.image(image)) }
    }
  }

  private mutating func add(_ spec: OverlaySpec, _ path: String, _ host: HostFacts) throws(LaunchFault) {
    func refuse(_ why: String, _ remedy: String) -> LaunchFault {
      .fileImage(option: "--overlay", spec: spec.text, why: why, remedy: remedy)
    }
    guard let file = host.images[path] else { throw refuse("it cannot be read", "check its permissions") }
    if let obstacle = file.obstacle { throw refuse(obstacle.why, obstacle.remedy) }
    let parts = file.isSIF ? file.parts.filter { $0.use == .overlay } : file.parts
    guard !parts.isEmpty else {
      throw refuse(
        "\(printable(path)) has no overlay partition", "make one: apus overlay create \(printable(path))")
    }
    for part in parts {
      let writes = !spec.isReadOnly && part.image.fileSystem == .ext
      let image = try part.image(writable: writes, of: file, option: "--overlay", spec: spec.text)
      guard writes else {
        layers.append(.image(image))
        continue
      }
      guard !isWritten else { throw .severalWritableOverlays }
      writableImage = image
    }
  }
}

/// The directory that a launch will write its changes to, which has to be locked before its mount namespace is left;
/// nil: none. What cannot be an overlay is refused here already, by what it is.
public func writableOverlay(_ request: LaunchRequest, host: HostFacts) throws(LaunchFault) -> String? {
  request.overlays.isEmpty ? nil : try OverlayChoice(request, host).writableDirectory
}
