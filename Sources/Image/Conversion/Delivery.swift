internal import Cache
internal import Content
internal import Glibc
public import Linux
internal import Model
public import Reference
internal import Registry

/// Brings an image to where the user wants it: a file, a directory, or a file without a name for one launch.
public struct Delivery: Sendable {
  private let options: AcquisitionOptions

  public init(_ options: AcquisitionOptions) { self.options = options }

  /// A SIF at `target`.
  public func makeSIF(_ target: String, from source: SourceName, replaces: Bool) throws(BuildFault) {
    do throws(BuildFault) { try sif(target, source, replaces) } catch { throw measured(error) }
  }

  /// A root directory at `target`.
  public func makeSandbox(
    _ target: String, from source: SourceName, replaces: Bool
  ) throws(BuildFault) -> Sandbox.Result {
    let file = try unnamed(source)
    return try Sandbox.make(target, fromImage: "/proc/self/fd/\(file.number)", replaces: replaces)
  }

  /// A SIF in a file that goes with its descriptor.
  public func unnamed(_ source: SourceName) throws(BuildFault) -> Descriptor {
    do throws(BuildFault) { return try file(source) } catch { throw measured(error) }
  }

  /// What is in the cache, or can be got into it.
  public func cached(_ source: SourceName) throws(BuildFault) -> AcquiredImage? {
    guard let cache = options.cache else { return nil }
    do throws(BuildFault) { return try Acquisition(options, cache: cache).image(source) } catch {
      throw measured(error)
    }
  }

  private func measured(_ fault: BuildFault) -> BuildFault {
    fault.measured(cache: options.cache?.path, scratch: options.scratch)
  }

  private func sif(_ target: String, _ source: SourceName, _ replaces: Bool) throws(BuildFault) {
    var output = try OutputFile(target, replaces: replaces)
    do throws(BuildFault) { try write(source, into: output.number, name: target) } catch {
      throw error.writing(target)
    }
    try output.publish()
  }

  private func file(_ source: SourceName) throws(BuildFault) -> Descriptor {
    let file: Descriptor
    do throws(SystemCallFault) { file = try ArchiveFile.unnamedFile(in: options.scratch) } catch {
      throw .output(path: options.scratch, error)
    }
    do throws(BuildFault) { try write(source, into: file.number, name: options.scratch) } catch {
      throw error.writing(options.scratch)
    }
    return file
  }

  private func write(_ source: SourceName, into output: Int32, name: String) throws(BuildFault) {
    if !source.isLocal, let image = try cached(source) {
      // Not a second name of the cache's file: what is done to the user's must not change the cache's.
      do throws(SystemCallFault) {
        try FileCopy.copy(image.size, from: image.descriptor.number, at: 0, to: output, at: 0)
      } catch {
        let size = image.size
        throw BuildFault.output(path: name, error).needing { _ in .atLeast(size) }
      }
      return
    }
    try writeUncached(source, into: output, name: name)
  }

  private func convert(_ image: SourceImage, into output: Int32) throws(BuildFault) {
    let result = try SIFBuild.write(image, into: output, options.layers)
    for omission in result.omissions { options.layers.notice(Notice(.warning, printable(omission))) }
  }

  private func writeUncached(
    _ source: SourceName, into output: Int32, name: String
  ) throws(BuildFault) {
    if options.isOffline, !source.isLocal { throw .offline(name: "the image") }
    switch source {
    case .registry(let reference):
      let client = try client(reference)
      let fetched = try manifest(client)
      try convert(
        RegistryImage(reference: reference, client: client, options: options).image(fetched), into: output)
    case .oras(let reference):
      let client = try client(reference)
      let artifact = ArtifactImage(reference: reference, client: client, options: options)
      let descriptor = try artifact.descriptor(try manifest(client))
      try SIFDownload.write(
        ResumedBlob(descriptor, client, nil), into: output, at: name, name: "oras://" + reference.text,
        announced: descriptor.size
      ) { _ in }
    case .web(let url): try WebImage.write(url, into: output, at: name, options)
    case .library(let path, let tag):
      try LibraryImage.write(path, tag: tag, into: output, at: name, options)
    case .hub(let text): throw .hubIsGone(text)
    case .path(let path): throw .unknownSource(path: path)
    case .dockerArchive, .ociArchive, .ociLayout, .dockerDaemon:
      try convert(LocalImage.read(source, options), into: output)
    }
  }

  private func client(_ reference: ImageReference) throws(BuildFault) -> RegistryClient {
    do throws(RegistryFault) { return try options.network.client(reference) } catch { throw .registry(error) }
  }

  private func manifest(_ client: RegistryClient) throws(BuildFault) -> FetchedManifest {
    do throws(RegistryFault) { return try client.manifest(nil) } catch { throw .registry(error) }
  }
}
