internal import Content
internal import Glibc
internal import Linux
internal import Reference

/// Images of layers that lie on this machine: archives, layouts, and what a daemon holds.
enum LocalImage {
  /// Reads what the source names; layers are read when they are wanted.
  static func read(_ source: SourceName, _ options: AcquisitionOptions) throws(BuildFault) -> SourceImage {
    try image(source, options).checked(for: options.platform)
  }

  private static func image(
    _ source: SourceName, _ options: AcquisitionOptions
  ) throws(BuildFault) -> SourceImage {
    switch source.resolved(where: { (try? File.facts($0)) != nil }) {
    case .dockerArchive(let path, let selector):
      return try DockerArchive.read(
        try ArchiveFile(path, scratch: options.scratch), selector: selector, platform: options.platform)
    case .ociArchive(let path, let selector):
      let archive = try ArchiveFile(path, scratch: options.scratch)
      return try LayoutImage.read(archive, selector: selector, platform: options.platform)
    case .ociLayout(let path, let selector):
      return try LayoutImage.read(
        try LayoutDirectory(path), selector: selector, platform: options.platform)
    case .dockerDaemon(let reference): return try DaemonImage.read(reference, options)
    case .registry, .oras, .web, .library, .hub, .path:
      preconditionFailure("the caller asks for sources on this machine")
    }
  }
}
