internal import Model

/// Something the container shall show, before it is known what the image has at its place.
struct WantedMount: Equatable, Sendable {
  enum Content: Equatable, Sendable {
    case bind(source: String, writable: Bool, devices: Bool)
    case bindImage(FileImage, path: String, writable: Bool)
    case fileSystem(type: String, options: [FileSystemOption])
    case file([UInt8], mode: UInt32)
    /// An empty directory in the launch's own tmpfs.
    case empty(mode: UInt32)
    case link(to: String)
  }

  let target: String
  let content: Content
  let isDirectory: Bool
  let reason: String
  var isOptional = false
  /// Whether the mount is dropped without a word where the image has nothing at its place.
  var needsTarget = false
  /// Whether the user named it: what is only a default may be left out where it cannot be shown.
  var isAskedFor = false

  /// Whether what lies below the target can be made there: a file system of this launch.
  var isOurs: Bool {
    switch content {
    case .fileSystem(let type, _): type == "tmpfs"
    case .empty: true
    case .bind, .bindImage, .file, .link: false
    }
  }

  var step: Step {
    switch content {
    case .bind(let source, let writable, let devices):
      .bind(source: source, target: target, writable: writable, devices: devices)
    case .bindImage(let image, let path, let writable):
      .bindImage(image, path: path, target: target, writable: writable)
    case .fileSystem(let type, let options): .fileSystem(type: type, target: target, options: options)
    case .file(let bytes, let mode): .generatedFile(target: target, contents: bytes, mode: mode)
    case .empty(let mode): .sessionDirectory(target: target, mode: mode)
    case .link(let to): .makeLink(path: target, to: to)
    }
  }
}
