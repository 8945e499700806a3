internal import Glibc
internal import Linux
internal import Model

/// How far a copy is, for those who wait for it.
public struct CopyProgress: Equatable, Sendable {
  public var pid: Int32
  /// `SLURM_JOB_ID` of whoever copies; empty outside of jobs.
  public var job: String
  public var source: String
  /// Bytes.
  public var size: Int
  public var done: Int

  public init(pid: Int32, job: String, source: String, size: Int, done: Int = 0) {
    self.pid = pid
    self.job = job
    self.source = source
    self.size = size
    self.done = done
  }

  /// `job 12, pid 345`
  public var owner: String { printable(job.isEmpty ? "pid \(pid)" : "job \(job), pid \(pid)") }

  var text: String {
    JSON.object([
      ("pid", .integer(Int(pid))), ("job", .string(job)), ("source", .string(source)),
      ("size", .integer(size)), ("done", .integer(done)),
    ]).text()
  }

  /// nil for what is no progress, and for one that is being written.
  init?(parsing bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), case .integer(let pid)? = json["pid"],
      let pid = Int32(exactly: pid), case .integer(let size)? = json["size"],
      case .integer(let done)? = json["done"]
    else { return nil }
    self.init(
      pid: pid, job: json["job"]?.text ?? "", source: json["source"]?.text ?? "", size: size, done: done)
  }
}

/// The right to make, replace or remove one copy. The kernel drops it with its holder, however that one ends.
public struct CopyLock: ~Copyable, Sendable {
  private let file: Descriptor
  private let folder: Descriptor
  private let name: String

  fileprivate init(_ file: consuming Descriptor, _ folder: consuming Descriptor, _ name: String) {
    self.file = file
    self.folder = folder
    self.name = name
  }

  /// The file goes first: whoever opened it before then finds that its name is another's or nobody's.
  deinit { _ = unsafe unlinkat(folder.number, name, 0) }

  /// Ends it here, and not where the compiler sees its last use.
  public consuming func release() {}

  /// Writes down how far the holder is. That it cannot be written spoils nothing.
  public func tell(_ progress: CopyProgress) {
    var bytes = Array(progress.text.utf8)
    // Of one length for most images: a reader finds one text or the other.
    bytes += [UInt8](repeating: 0x20, count: max(0, Self.fewestBytes - bytes.count))
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(SystemCallFault) { try unsafe File.write(buffer, to: file.number, at: 0) } catch {}
    }
  }

  private static let fewestBytes = 256
}

extension NodeCache {
  public enum LockAttempt: ~Copyable {
    case held(CopyLock)
    /// Somebody else has it; how far that one is, where it said so.
    case busy(CopyProgress?)
  }

  /// Takes the right to change the copy of `key` unless somebody has it.
  public func tryLock(_ key: ImageKey) throws(NodeCacheFault) -> LockAttempt {
    let name = Self.lockName(key)
    do throws(SystemCallFault) {
      while true {
        let file = try File.open(name, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600, from: folder.number)
        guard try FileLock.tryAcquire(file) else {
          let bytes = try? file.firstBytes(CopyRecord.limit)
          return .busy(bytes.flatMap { CopyProgress(parsing: $0) })
        }
        // Its last holder may have removed it between the open and the lock.
        guard let named = try? File.facts(name, from: folder.number, following: false),
          try File.facts(file).inode == named.inode
        else { continue }
        // What a killed holder wrote.
        let number = file.number
        try retrying("ftruncate", name) { ftruncate(number, 0) }
        return .held(CopyLock(file, try folder.duplicate(), name))
      }
    } catch { throw .call(path: path + "/" + name, error) }
  }

  /// How far a copy is that somebody makes now; nil where nobody does.
  func progress(_ key: ImageKey) -> CopyProgress? {
    guard let file = try? File.open(Self.lockName(key), O_RDONLY | O_NOFOLLOW, from: folder.number),
      (try? FileLock.tryAcquire(file, shared: true)) == false,
      let bytes = try? file.firstBytes(CopyRecord.limit)
    else { return nil }
    return CopyProgress(parsing: bytes)
  }
}
