internal import Content
internal import Glibc
internal import Linux
internal import Model
internal import SIF

/// `apus overlay create`: an ext3 file system that keeps changes to an image, in a file of its own or as a partition of a
/// SIF. At its top it has `upper` and `work`, as Apptainer makes them, so that each runs the other's.
public struct OverlayCreation: Sendable {
  public static let leastMebibytes = 64
  /// 2^32 - 1 blocks of 4 KiB, in whole MiB.
  static let mostMebibytes = (1 << 24) - 1

  public var mebibytes: Int
  /// Blocks are taken from the disk only when they are written to.
  public var isSparse = false
  /// Whether its directories belong to root: for launches with `--fakeroot` by Apptainer.
  public var belongsToRoot = false
  /// Made in `upper`: absolute paths of the container.
  public var directories: [String] = []
  /// Where programs are looked for.
  public var searchPath = ""
  public var temporaryFolder = "/tmp"

  public init(mebibytes: Int) { self.mebibytes = mebibytes }

  private var size: Int { mebibytes << 20 }

  /// Makes it. Returns whether it is a partition of a SIF.
  public func make(_ path: String) throws(OverlayFault) -> Bool {
    guard mebibytes >= Self.leastMebibytes else { throw .tooSmall(mebibytes: mebibytes) }
    guard mebibytes <= Self.mostMebibytes else { throw .tooLarge(mebibytes: mebibytes) }
    for directory in directories {
      guard ContainerPath.isAbsolute(directory), ContainerPath.normalized(directory) != "/" else {
        throw .directory(path: directory, why: "it is not an absolute path below the root")
      }
    }
    guard let facts = try? File.facts(path) else {
      var file = try unfinished(path)
      try fill(file, path)
      do throws(SystemCallFault) { try file.publish(.refuse) } catch {
        if error.number == EEXIST { throw .exists(path: path, what: "something") }
        throw .system(path: path, error)
      }
      return false
    }
    guard facts.kind == .file else {
      throw .exists(path: path, what: facts.kind == .directory ? "a directory" : "something that is no file")
    }
    try add(toSIF: path)
    return true
  }

  /// A file beside the path, without a name for now.
  private func unfinished(_ path: String) throws(OverlayFault) -> UnfinishedFile {
    let (parent, name) = OutputFile.split(path)
    do throws(SystemCallFault) {
      let directory = try File.open(parent, O_PATH | O_DIRECTORY)
      return try UnfinishedFile(name, in: directory, mode: 0o600)
    } catch { throw .system(path: path, error) }
  }

  /// Makes the file system in an empty file.
  private func fill(_ file: borrowing UnfinishedFile, _ path: String) throws(OverlayFault) {
    let number = file.number
    let (size, isSparse) = (self.size, self.isSparse)
    do throws(SystemCallFault) {
      try retrying("ftruncate", path) { ftruncate(number, size) }
      if !isSparse {
        let failure = posix_fallocate(number, 0, size)
        guard failure == 0 else { throw SystemCallFault("fallocate", path, failure) }
      }
    } catch { throw .system(path: path, error) }
    let tree = try makeTree()
    defer { removeTree(tree) }
    // Found by the programs under the same number.
    guard fcntl(number, F_SETFD, 0) == 0 else {
      throw .system(path: path, SystemCallFault("fcntl", path, errno))
    }
    defer { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
    let place = Mount.path(of: number)
    // Nobody but root could use reserved blocks, and who writes is root of nothing but a namespace.
    let options = ["-q", "-F", "-m", "0", "-E", isSparse ? "discard" : "nodiscard", "-d", tree, place]
    try run("mkfs.ext3", options)
    guard belongsToRoot, geteuid() != 0 else { return }
    var commands = ""
    for directory in ["upper", "work"] + Self.withParents(directories).map({ "upper" + $0 }) {
      // In debugfs's own quoting a quote within is doubled.
      let name =
        "\"/"
        + directory.split(separator: "\"", omittingEmptySubsequences: false)
        .map(String.init).connected(by: "\"\"") + "\""
      commands += "set_inode_field \(name) uid 0\nset_inode_field \(name) gid 0\n"
    }
    let list = tree + "/commands"
    do throws(SystemCallFault) {
      let file = try File.open(list, O_CREAT | O_EXCL | O_WRONLY, mode: 0o600)
      try File.write(Array(commands.utf8), to: file.number, subject: list)
    } catch { throw .system(path: list, error) }
    try run("debugfs", ["-w", "-f", list, place])
  }

  /// Every directory of the paths with those above it, each once, parents first.
  static func withParents(_ paths: [String]) -> [String] {
    var all: [String] = []
    for path in paths {
      var whole = ""
      for name in ContainerPath.components(ContainerPath.normalized(path)) {
        whole += "/" + name
        if !all.contains(whole) { all.append(whole) }
      }
    }
    return all
  }

  /// What the file system shall hold, as a directory.
  private func makeTree() throws(OverlayFault) -> String {
    var template = Array((temporaryFolder + "/apus-overlay-XXXXXX").utf8CString)
    guard unsafe mkdtemp(&template) != nil else {
      throw .system(path: temporaryFolder, SystemCallFault("mkdir", temporaryFolder, errno))
    }
    let tree = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    do throws(SystemCallFault) {
      for path in ["/upper", "/work"] + Self.withParents(directories).map({ "/upper" + $0 }) {
        let whole = tree + path
        try retrying("mkdir", whole) { unsafe mkdir(whole, 0o755) }
        try retrying("chmod", whole) { unsafe chmod(whole, 0o755) }
      }
    } catch {
      removeTree(tree)
      throw .system(path: tree, error)
    }
    return tree
  }

  private func removeTree(_ tree: String) {
    let (parent, name) = OutputFile.split(tree)
    guard let directory = try? File.open(parent, O_RDONLY | O_DIRECTORY) else { return }
    DirectoryRemoval.remove(Array(name.utf8), in: directory.number)
  }

  private func run(_ name: String, _ arguments: [String]) throws(OverlayFault) {
    let path = try find(name)
    let said: (code: Int32, bytes: [UInt8])
    do throws(SystemCallFault) {
      said = try Process.output(
        of: path, arguments, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"], limit: 1 << 20,
        seconds: nil, hearing: .both)
    } catch { throw .system(path: path, error) }
    guard said.code == 0 else {
      let lines = String(decoding: said.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
      throw .toolFailed(name: name, said: lines.connected(by: "; "))
    }
  }

  private func find(_ name: String) throws(OverlayFault) -> String {
    guard let path = Process.find(name, searchPath) else { throw .toolMissing(name: name) }
    return path
  }
}

extension OverlayCreation {
  /// Adds it to a SIF: bytes first, then the descriptor, at last the header that counts it. Until then the file is what it
  /// was to every reader.
  private func add(toSIF path: String) throws(OverlayFault) {
    let file = try open(path)
    let facts: FileFacts
    let isFree: Bool
    do throws(SystemCallFault) {
      facts = try File.facts(file)
      // All of it, against whoever has a file system of it mounted. The other lock, which a reader could take as well, is
      // there to be named.
      isFree = try FileLock.tryAcquire(file.number, offset: 0, length: 0, shared: false)
      if isFree { _ = try? FileLock.tryAcquire(file) }
    } catch { throw .system(path: path, error) }
    guard isFree else { throw .inUse(path: path, pid: FileLock.holder(of: file.number)) }
    let sif: SIFFile
    do throws(SIFFault) { sif = try SIFFile.read(descriptor: file.number, size: facts.size) } catch {
      guard error == .notSIF else { throw .sif(path: path, error) }
      throw .exists(path: path, what: "a file")
    }
    let (object, header, slot) = try place(in: sif, path, size: facts.size)
    let system = try unfinished(path)
    try fill(system, path)
    let number = file.number
    let before: SIFBefore
    do throws(SystemCallFault) { before = try SIFBefore(number, slot: slot, size: facts.size) } catch {
      throw .system(path: path, error)
    }
    do throws(SystemCallFault) {
      try copy(system.number, to: number, at: Int(object.offset))
      try retrying("fsync", path) { fsync(number) }
      try File.write(object.bytes, to: number, at: slot)
      try File.write(header.bytes, to: number, at: 0)
      try retrying("fsync", path) { fsync(number) }
    } catch {
      before.restore(number)
      throw .system(path: path, error)
    }
  }

  private func open(_ path: String) throws(OverlayFault) -> Descriptor {
    do throws(SystemCallFault) { return try File.open(path, O_RDWR | O_NONBLOCK) } catch {
      throw .system(path: path, error)
    }
  }

  /// The new object, the header that counts it, and where in the file its descriptor goes.
  private func place(
    in sif: SIFFile, _ path: String, size fileSize: Int
  ) throws(OverlayFault) -> (object: SIFDescriptor, header: SIFHeader, slot: Int) {
    if sif.descriptors.contains(where: { $0.type == .signature }) {
      throw .refused(
        path: path, why: "it is signed, and would be another image than the one that was signed",
        remedy: "keep the changes in a file of its own: apus overlay create FILE")
    }
    if sif.descriptors.contains(where: { $0.partition?.use == .overlay }) {
      throw .refused(
        path: path, why: "it has an overlay partition already", remedy: "use it: apus exec --writable IMAGE …"
      )
    }
    let root: SIFPartition
    do throws(SIFFault) { root = try sif.primaryPartition() } catch {
      if error == .encrypted {
        throw .refused(
          path: path, why: "it is encrypted, and its changes would not be",
          remedy: "keep the changes in a file of its own: apus overlay create FILE")
      }
      throw .sif(path: path, error)
    }
    guard
      let number = (1...Int(sif.header.totalDescriptors)).first(where: { number in
        !sif.descriptors.contains { $0.id == UInt32(number) }
      }), let slot = sif.freeSlots.first, let architecture = root.architecture,
      let primary = sif.descriptors.first(where: { $0.id == root.id })
    else {
      throw .refused(
        path: path, why: "it has no room for another object",
        remedy: "build it anew: apus build NEW.sif \(printable(path))")
    }
    let now = Int64(time(nil))
    let offset =
      (fileSize + SIFWriter.partitionAlignment - 1) / SIFWriter.partitionAlignment
      * SIFWriter.partitionAlignment
    var object = SIFDescriptor(
      type: .partition, id: UInt32(number), group: primary.group, offset: Int64(offset), size: Int64(size),
      paddedSize: Int64(offset - fileSize + size), time: now, name: "overlay.ext3",
      extra: SIFDescriptor.partitionExtra(.ext3, .overlay, architecture))
    object.uid = Int64(getuid())
    object.gid = Int64(getgid())
    var header = sif.header
    header.freeDescriptors -= 1
    header.modified = object.modified
    header.dataSize = Int64(offset + size) - header.dataOffset
    return (object, header, Int(header.descriptorsOffset) + slot * SIFDescriptor.size)
  }

  /// Copies all bytes, leaving holes where there are only zeros if it shall be sparse.
  private func copy(_ from: Int32, to file: Int32, at offset: Int) throws(SystemCallFault) {
    let end = offset + size
    try retrying("ftruncate") { ftruncate(file, end) }
    if !isSparse {
      let failure = posix_fallocate(file, offset, size)
      guard failure == 0 || failure == EOPNOTSUPP else { throw SystemCallFault("fallocate", "", failure) }
    }
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    for place in stride(from: 0, to: size, by: piece.count) {
      var failure: SystemCallFault?
      let count = unsafe piece.withUnsafeMutableBytes { buffer in
        do throws(SystemCallFault) { return unsafe try File.read(from, at: place, into: buffer) } catch {
          failure = error
          return 0
        }
      }
      if let failure { throw failure }
      if piece[..<count].allSatisfy({ $0 == 0 }) { continue }
      try File.write(Array(piece[..<count]), to: file, at: offset + place)
    }
  }
}
