internal import Glibc
internal import ImageMount
internal import Linux
internal import Model
internal import SIF
internal import Squashfs

/// The attributes: from the object that builders leave in a SIF, else from the files of the image.
func inspection(_ path: String) throws(ImageFault) -> [(String, JSON)] {
  let image: ImageFile
  do throws(ImageFault) { image = try ImageFile.open(path) } catch {
    // What the object says is no secret where the root file system cannot be read.
    if case .sif = error, let file = try? File.open(path, O_RDONLY | O_NONBLOCK),
      let facts = try? File.facts(file),
      let stored = try? storedInspection(file.number, size: facts.size)
    {
      return stored
    }
    throw error
  }
  if image.isSIF, let stored = try? storedInspection(image.descriptor, size: image.facts.size) {
    return stored
  }
  let files = try ImageFiles(image)
  return ImageDescription(names: files.names, text: files.text).attributes
}

private func storedInspection(_ descriptor: Int32, size: Int) throws(SIFFault) -> [(String, JSON)]? {
  let sif = try SIFFile.read(descriptor: descriptor, size: size)
  guard
    let object = sif.descriptors.first(where: {
      $0.type == .genericJSON && $0.name == "inspect-metadata.json"
    })
  else { return nil }
  let bytes = try sif.contents(of: object, descriptor: descriptor, limit: 16 << 20)
  let attributes = (try? JSON(parsing: bytes))?["data"]?["attributes"]
  return attributes?.members
}

/// Files of an image read without mounting it.
private struct ImageFiles {
  private enum Source {
    case squashfs(SquashfsImage)
    case directory(Int32)
  }
  private let source: Source
  private static let most = 16 << 20

  init(_ image: ImageFile) throws(ImageFault) {
    switch image.kind {
    case .sandbox: source = .directory(image.descriptor)
    case .squashfs(let offset, let size):
      do throws(SquashfsFault) {
        source = .squashfs(try SquashfsImage(descriptor: image.descriptor, offset: offset, length: size))
      } catch { throw .squashfs(path: image.path, error) }
    }
  }

  func names(_ path: String) -> [String] {
    switch source {
    case .directory(let root):
      guard let directory = try? BeneathRoot.open(path, O_RDONLY | O_DIRECTORY, root: root) else { return [] }
      return (try? File.names(in: directory)) ?? []
    case .squashfs(let image):
      guard let inode = find(path, image), let entries = try? image.entries(of: inode) else { return [] }
      return entries.map { String(decoding: $0.name, as: UTF8.self) }
    }
  }

  func text(_ path: String) -> String? {
    switch source {
    case .directory(let root):
      guard let file = try? BeneathRoot.open(path, O_RDONLY | O_NONBLOCK, root: root),
        (try? File.facts(file))?.kind == .file, let bytes = try? File.readAll(file, limit: Self.most)
      else { return nil }
      return String(decoding: bytes, as: UTF8.self)
    case .squashfs(let image):
      guard let inode = find(path, image), inode.kind == .file, inode.size <= Self.most,
        let bytes = try? image.contents(of: inode)
      else { return nil }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  private func find(_ path: String, _ image: SquashfsImage) -> Inode? {
    guard var inode = try? image.inode(image.root) else { return nil }
    for name in ContainerPath.components(path) {
      guard let entry = try? image.lookup(Array(name.utf8), in: inode), let next = try? image.inode(of: entry)
      else {
        return nil
      }
      inode = next
    }
    return inode
  }
}
