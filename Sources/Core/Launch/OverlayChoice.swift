internal import Model

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

/// What `--overlay` means: at most one directory to write to, and layers to read.
struct OverlayChoice: Equatable, Sendable {
  var writableDirectory: String?
  var layers: [String] = []

  init(_ request: LaunchRequest, _ host: HostFacts) throws(LaunchFault) {
    for spec in request.overlays.map(OverlaySpec.init) {
      let path = ContainerPath.normalized(spec.path, from: host.currentDirectory ?? "/")
      switch host.kinds[path] {
      case nil: throw .overlaySyntax(spec: spec.text, why: "\(printable(path)) does not exist on this host")
      case .other:
        throw .overlaySyntax(
          spec: spec.text,
          why: "this version lays directories over an image, and that is a file"
            + " (SIF, squashfs and ext3 overlays are not read)")
      case .directory: break
      }
      if spec.isReadOnly {
        layers.append(path)
      } else {
        guard writableDirectory == nil else { throw .severalWritableOverlays }
        writableDirectory = path
      }
    }
    if request.writable, !request.overlays.isEmpty { throw .overlayWithWritable }
    if writableDirectory != nil, request.writableTemporary { throw .severalWritableOverlays }
  }
}

/// The directory that a launch will write its changes to, which has to be locked before its mount namespace is left;
/// nil: none. What cannot be an overlay is refused here already, by what it is.
public func writableOverlay(_ request: LaunchRequest, host: HostFacts) throws(LaunchFault) -> String? {
  request.overlays.isEmpty ? nil : try OverlayChoice(request, host).writableDirectory
}
