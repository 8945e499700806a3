internal import Ext
internal import Glibc
internal import Linux
internal import Model
internal import SIF

/// Opens a file of the host and looks at the file systems in it. nil: there is no such file, or it is a directory.
/// `opening` is where it is opened, of which `path` is the name that people know.
public func surveyFileImage(_ path: String, opening: String? = nil, writes: Bool) -> HostImage? {
  let place = opening ?? path
  var found = HostImage()
  found.isWantedToWrite = writes
  // Not blocking, so that a FIFO is refused instead of waited for.
  let common = O_NONBLOCK | O_NOCTTY
  var opened: Descriptor?
  if writes {
    do throws(SystemCallFault) { opened = try File.open(place, O_RDWR | common) } catch {
      if error.number == EISDIR || error.number == ENOENT || error.number == ENOTDIR { return nil }
      found.whyNotWritable = errorText(error.number)
    }
  }
  do throws(SystemCallFault) {
    let file: Descriptor
    if let writable = opened.take() {
      file = writable
    } else {
      file = try File.open(place, O_RDONLY | common)
    }
    let facts = try File.facts(file)
    switch facts.kind {
    case .directory: return nil
    case .file: break
    default:
      found.obstacle = Explanation(what: "", why: "it is not a regular file", remedy: "name an image file")
      return found
    }
    (found.device, found.inode) = (facts.device, facts.inode)
    let start = try file.firstBytes(SIFFile.usualStart)
    let number = file.release()
    if SIFFile.begins(start) {
      surveySIF(path, number, size: facts.size, start: start, into: &found)
    } else {
      surveyWhole(path, number, size: facts.size, start: start, into: &found)
    }
  } catch {
    if error.number == ENOENT || error.number == ENOTDIR { return nil }
    found.obstacle = error.explanation
  }
  return found
}

extension HostFacts {
  /// Looks at the image of the launch itself, which is open as `opening`. Where the request names it too, both have one
  /// open file from here on: two would bar each other by their locks.
  public mutating func surveyOwnImage(_ path: String, opening: String, writes: Bool) {
    guard let facts = try? File.facts(opening) else { return }
    let names = images.names.filter { name in
      guard let named = images[name] else { return false }
      return named.device == facts.device && named.inode == facts.inode
    }
    let writes = writes || names.contains { images[$0]?.isWantedToWrite == true }
    ownImage = surveyFileImage(path, opening: opening, writes: writes)
    for name in names { images[name] = ownImage }
  }
}

/// What is at a path of a file system, links followed inside it; nil: nothing.
public func kindInImage(_ path: String, root: Int32) -> HostFacts.Kind? {
  guard let found = try? BeneathRoot.open(path, O_PATH, root: root), let facts = try? File.facts(found) else {
    return nil
  }
  return facts.kind == .directory ? .directory : .other
}

private func surveyWhole(
  _ path: String, _ number: Int32, size: Int, start: [UInt8], into found: inout HostImage
) {
  guard let fileSystem = fileSystem(of: start[...]) else {
    found.obstacle = Explanation(
      what: "", why: "\(printable(path)) is neither a SIF, nor a squashfs, nor an ext3 image",
      remedy: "`apus overlay create FILE` makes an ext3 image, mksquashfs a squashfs")
    return
  }
  found.parts = [
    part(FileImage(path: path, descriptor: number, fileSystem: fileSystem, offset: 0, size: size))
  ]
}

private func surveySIF(
  _ path: String, _ number: Int32, size: Int, start: [UInt8], into found: inout HostImage
) {
  found.isSIF = true
  let sif: SIFFile
  do throws(SIFFault) { sif = try SIFFile.read(descriptor: number, size: size, start: start) } catch {
    found.obstacle = error.explanation
    return
  }
  let root = sif.descriptors.first { $0.partition?.use == .primarySystem }?.group
  for object in sif.descriptors {
    guard let partition = object.partition else { continue }
    var image = FileImage(
      path: path, descriptor: number, fileSystem: .squashfs, offset: Int(object.offset),
      size: Int(object.size))
    var made: HostImage.Part
    switch partition.fileSystem {
    case .squashfs: made = part(image)
    case .ext3:
      image.fileSystem = .ext
      made = part(image)
    case let other:
      made = HostImage.Part(image: image)
      made.obstacle = Explanation(
        what: "", why: "object \(object.id) of it is of type \(other?.name ?? "unknown"), which is not read",
        remedy: "`apus sif list` shows what it has")
    }
    made.id = object.id
    made.use = partition.use
    made.isOfRoot = root == nil || root == object.group
    found.parts.append(made)
  }
}

private func part(_ image: FileImage) -> HostImage.Part {
  var part = HostImage.Part(image: image)
  guard image.fileSystem == .ext else { return part }
  do throws(ExtFault) {
    let ext = try ExtImage.read(descriptor: image.descriptor, offset: image.offset, length: image.size)
    part.ext = ext
    part.image.uid = ext.uid
    part.image.gid = ext.gid
    part.image.needsRecovery = ext.needsRecovery
    part.image.isClean = ext.isClean
  } catch { part.obstacle = error.explanation }
  return part
}

private func fileSystem(of start: ArraySlice<UInt8>) -> FileImage.FileSystem? {
  if start.starts(with: [0x68, 0x73, 0x71, 0x73]) { return .squashfs }
  return ExtImage.begins(start) ? .ext : nil
}
