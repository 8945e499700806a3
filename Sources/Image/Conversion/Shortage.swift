internal import Cache
internal import Glibc
public import Linux
public import Model
internal import Segments
internal import SquashfsWriter

/// A disk or a quota that was full while an image was made: where, and how much room there would have to be.
public struct Shortage: Equatable, Sendable {
  /// What is written where the room ended.
  public enum Place: Equatable, Sendable { case target, cache, scratch }

  /// Bytes that are needed there.
  public enum Need: Equatable, Sendable {
    /// What comes is stored in about as many bytes as it has.
    case about(Int)
    case atLeast(Int)
  }

  /// Empty where what writes knows only a descriptor.
  public var path: String
  public let fault: SystemCallFault
  public var need: Need?
  /// Bytes that the caller may still use there, once what was half made is gone; nil where nobody looked.
  public var free: Int?
  public var place = Place.target

  public init(path: String, _ fault: SystemCallFault, need: Need? = nil) {
    self.path = path
    self.fault = fault
    self.need = need
  }

  /// The numbers of a full file system and of a quota that is used up.
  static func isMeant(_ fault: SystemCallFault) -> Bool { fault.number == ENOSPC || fault.number == EDQUOT }

  /// Looks how much is free at the path, or at the nearest directory above it that is there.
  mutating func measure() {
    var directory = path
    while true {
      if let file = try? File.open(directory.isEmpty ? "." : directory, O_PATH),
        let volume = try? Volume.of(file)
      {
        free = volume.free
        return
      }
      let parent = OutputFile.split(directory).parent
      // The parent of a relative path ends in ".", which is its own.
      if directory.isEmpty || parent == directory { return }
      directory = parent
    }
  }
}

extension Shortage: Explained {
  public var explanation: Explanation {
    var why = fault.explanation.why
    switch need {
    case .about(let bytes)?: why += ": about \(byteCount(bytes)) are needed there"
    case .atLeast(let bytes)?: why += ": at least \(byteCount(bytes)) are needed there"
    case nil: break
    }
    if let free {
      why += need == nil ? ": " : ", "
      // What a quota leaves is told by no call that every file system has.
      why += "\(byteCount(free)) are free" + (fault.number == EDQUOT ? " to those who have no quota" : "")
    }
    return Explanation(what: "cannot write \(printable(path))", why: why, remedy: remedy)
  }

  private var remedy: String {
    switch place {
    case .target: "free space there, or name another place"
    case .cache:
      "free space there (apus cache clean), name another place with APUS_CACHEDIR, or do without with --disable-cache"
    case .scratch: "free space there, or name another directory with --tmpdir or TMPDIR"
    }
  }
}

extension BuildFault {
  /// A full disk or quota, if that is what it is.
  private var shortage: Shortage? {
    let (path, fault): (String, SystemCallFault)
    switch self {
    case .noSpace(let shortage): return shortage
    case .output(let place, let cause), .unpack(let place, let cause): (path, fault) = (place, cause)
    // The assembler knows no path.
    case .segment(.call("the image", let cause)): (path, fault) = ("", cause)
    case .segment(.call(let place, let cause)), .cache(.call(let place, let cause)):
      (path, fault) = (place, cause)
    case .writer(.write(let cause)), .segment(.writer(.write(let cause))): (path, fault) = ("", cause)
    default: return nil
    }
    return Shortage.isMeant(fault) ? Shortage(path: path, fault) : nil
  }

  /// The same fault where what writes knows only a descriptor: with the path of what it writes.
  func writing(_ path: String) -> BuildFault {
    if var shortage {
      if shortage.path.isEmpty { shortage.path = path }
      return .noSpace(shortage)
    }
    switch self {
    case .output("", let fault): return .output(path: path, fault)
    case .writer(.write(let fault)), .segment(.writer(.write(let fault))):
      return .output(path: path, fault)
    case .segment(.call("the image", let fault)): return .output(path: path, fault)
    default: return self
    }
  }

  /// The same fault, and if the room ended how much is needed there, unless that is known better.
  func needing(_ need: (_ path: String) -> Shortage.Need) -> BuildFault {
    guard var shortage, shortage.need == nil else { return self }
    shortage.need = need(shortage.path)
    return .noSpace(shortage)
  }

  /// The same fault where a directory was made: without room it is the whole of it that cannot be written.
  func unpacking(_ target: String, size: Int) -> BuildFault {
    guard var shortage else { return self }
    shortage.path = target
    shortage.need = shortage.need ?? .atLeast(size)
    return .noSpace(shortage)
  }

  /// The same fault, and if the room ended how much there is, and in which of our places. To be asked when what was half
  /// made is gone.
  func measured(cache: String?, scratch: String?) -> BuildFault {
    guard var shortage else { return self }
    func lies(in folder: String?) -> Bool {
      guard let folder else { return false }
      return shortage.path == folder || shortage.path.starts(withBytesOf: folder + "/")
    }
    shortage.place = lies(in: cache) ? .cache : shortage.path == scratch ? .scratch : .target
    shortage.measure()
    return .noSpace(shortage)
  }
}

/// Bytes as people read them; of small counts every byte.
private func byteCount(_ bytes: Int) -> String {
  var unit = 0
  var value = Double(bytes)
  while value >= 1024, unit < 4 {
    value /= 1024
    unit += 1
  }
  if unit == 0 { return "\(bytes) bytes" }
  let tenths = Int((value * 10).rounded())
  return "\(tenths / 10).\(tenths % 10) \(["", "KiB", "MiB", "GiB", "TiB"][unit])"
}
