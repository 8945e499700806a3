internal import Glibc
public import Linux
public import Model
public import SIF
public import Squashfs

/// Why an image cannot be used.
public enum ImageFault: Error, Equatable, Sendable {
  case missing(path: String)
  case open(SystemCallFault)
  case notAnImage(path: String)
  case empty(path: String)
  case sif(path: String, SIFFault)
  case squashfs(path: String, SquashfsFault)
  case architecture(path: String, image: Architecture, host: Architecture)
  case unknownArchitecture(path: String, code: String)
}

extension ImageFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .missing(let path):
      Explanation(
        what: "cannot open the image \(printable(path))", why: "there is no such file",
        remedy: "check the path")
    case .open(let fault):
      Explanation(
        what: "cannot open the image \(printable(fault.subject))", why: fault.explanation.why,
        remedy: fault.explanation.remedy)
    case .notAnImage(let path):
      Explanation(
        what: "cannot use \(printable(path)) as an image",
        why: "it is neither a SIF, nor a squashfs, nor a directory",
        remedy: "make an image of a root directory with: apus build OUT.sif DIRECTORY")
    case .empty(let path):
      Explanation(
        what: "cannot use \(printable(path)) as an image", why: "the file is empty",
        remedy: "get it anew; a full disk or a broken transfer leaves such files")
    case .sif(let path, let fault):
      Explanation(
        what: "\(fault.explanation.what) \(printable(path))", why: fault.explanation.why,
        remedy: fault.explanation.remedy)
    case .squashfs(let path, let fault):
      Explanation(
        what: "\(fault.explanation.what) \(printable(path))", why: fault.explanation.why,
        remedy: fault.explanation.remedy)
    case .architecture(let path, let image, let host):
      Explanation(
        what: "cannot run the image \(printable(path))",
        why: "it is made for \(image.rawValue), and this machine is \(host.rawValue)",
        remedy:
          "use an image for \(host.rawValue), or have an emulator for \(image.rawValue) registered with binfmt_misc"
      )
    case .unknownArchitecture(let path, let code):
      Explanation(
        what: "cannot run the image \(printable(path))",
        why: "its architecture code \(printable(code)) is unknown",
        remedy: "`apus sif list` shows what it claims to be")
    }
  }
}

/// An image opened once: every later use is this descriptor, so what was checked is what is mounted.
///
/// On the image's file system this costs a look-up, an open, one read and nothing else.
public struct ImageFile: Sendable {
  public enum Kind: Equatable, Sendable {
    /// A squashfs at an offset of the file: a SIF's primary partition, or the whole file.
    case squashfs(offset: Int, size: Int)
    /// A root directory.
    case sandbox
  }

  /// Absolute, as the user wrote it otherwise.
  public let path: String
  /// Open until the program is executed.
  public let descriptor: Int32
  public let kind: Kind
  public let facts: FileFacts
  /// nil for a bare squashfs or a sandbox, which do not say.
  public let architecture: Architecture?
  public let isSIF: Bool
  /// Whether the file holds an overlay partition, with changes made to the image.
  public var hasOverlayPartition = false
  /// Of a SIF: what it was given when it was made (UUID).
  public var identifier: String? { header?.identifierText }
  var header: SIFHeader?

  /// Opens `path`, from the working directory when it is relative.
  public static func open(_ path: String) throws(ImageFault) -> ImageFile {
    let handed = HandedImage(path)
    let absolute =
      handed?.path
      ?? ContainerPath.normalized(
        path,
        from: ContainerPath.isAbsolute(path) ? "/" : File.workingDirectory)
    let opened = if let handed { try handed.take() } else { try openWithoutWaiting(absolute) }
    let facts: FileFacts
    do throws(SystemCallFault) { facts = try File.facts(opened) } catch { throw .open(error) }
    switch facts.kind {
    case .directory:
      return ImageFile(
        path: absolute, descriptor: opened.release(), kind: .sandbox, facts: facts, architecture: nil,
        isSIF: false)
    case .file: break
    default: throw .notAnImage(path: absolute)
    }
    guard facts.size > 0 else { throw .empty(path: absolute) }
    let start: [UInt8]
    do throws(SystemCallFault) { start = try opened.firstBytes(SIFFile.usualStart) } catch {
      throw .open(SystemCallFault(error.call, absolute, error.number))
    }
    if SIFFile.begins(start) {
      let sif: SIFFile
      let partition: SIFPartition
      do throws(SIFFault) {
        sif = try SIFFile.read(descriptor: opened.number, size: facts.size, start: start)
        partition = try sif.primaryPartition()
      } catch { throw .sif(path: absolute, error) }
      return ImageFile(
        path: absolute, descriptor: opened.release(),
        kind: .squashfs(offset: partition.offset, size: partition.size),
        facts: facts, architecture: partition.architecture, isSIF: true,
        hasOverlayPartition: sif.descriptors.contains { $0.partition?.use == .overlay },
        header: sif.header)
    }
    guard start.starts(with: [0x68, 0x73, 0x71, 0x73]) else { throw .notAnImage(path: absolute) }
    do throws(SquashfsFault) { _ = try Superblock(start, length: facts.size) } catch {
      throw .squashfs(path: absolute, error)
    }
    return ImageFile(
      path: absolute, descriptor: opened.release(), kind: .squashfs(offset: 0, size: facts.size),
      facts: facts,
      architecture: nil, isSIF: false)
  }

  private static func openWithoutWaiting(_ path: String) throws(ImageFault) -> Descriptor {
    do throws(SystemCallFault) {
      // Not blocking, so that a FIFO is refused instead of waited for.
      return try File.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    } catch {
      if error.number == ENOENT || error.number == ENOTDIR { throw .missing(path: path) }
      throw .open(error)
    }
  }

  /// Refuses an image of another processor. `emulated`: architectures the host has an emulator for.
  public func checkArchitecture(emulated: [Architecture]) throws(ImageFault) {
    guard let architecture else { return }
    let host = Architecture.host
    guard host.runsNatively.contains(architecture) || emulated.contains(architecture) else {
      throw .architecture(path: path, image: architecture, host: host)
    }
  }

  /// What tells this image from every other on the node, and from itself once it has changed.
  var identity: String {
    let offset = if case .squashfs(let offset, _) = kind { offset } else { 0 }
    return [
      String(facts.device), String(facts.inode), String(facts.size), String(facts.modifiedSeconds),
      String(facts.modifiedNanoseconds), String(facts.changedSeconds), String(facts.changedNanoseconds),
      String(offset),
    ].connected(by: " ")
  }
}
