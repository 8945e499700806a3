public import Linux
public import Model
public import SIF

/// Why there is no new overlay.
public enum OverlayFault: Error, Equatable, Sendable {
  case tooSmall(mebibytes: Int)
  case tooLarge(mebibytes: Int)
  case exists(path: String, what: String)
  case directory(path: String, why: String)
  case toolMissing(name: String)
  case toolFailed(name: String, said: String)
  case sif(path: String, SIFFault)
  /// A SIF that takes no more objects, or must not be changed.
  case refused(path: String, why: String, remedy: String)
  case inUse(path: String, pid: Int32?)
  case system(path: String, SystemCallFault)
}

extension OverlayFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .tooSmall(let mebibytes):
      Explanation(
        what: "cannot make an overlay of \(mebibytes) MiB",
        why: "the least is \(OverlayCreation.leastMebibytes) MiB",
        remedy: "name a size of \(OverlayCreation.leastMebibytes) or more")
    case .tooLarge(let mebibytes):
      Explanation(
        what: "cannot make an overlay of \(mebibytes) MiB",
        why: "an ext3 file system has at most \(OverlayCreation.mostMebibytes) MiB",
        remedy: "name a smaller size")
    case .exists(let path, let what):
      Explanation(
        what: "cannot make the overlay \(printable(path))", why: "there is \(what) of that name",
        remedy: "name a new file, or a SIF that gets an overlay partition")
    case .directory(let path, let why):
      Explanation(
        what: "cannot make the directory \(printable(path)) in the overlay", why: why,
        remedy: "write it from the root of the container: /opt/data")
    case .toolMissing(let name):
      Explanation(
        what: "cannot make an ext3 file system", why: "\(name) is not installed on this machine",
        remedy: "ask the administrator to install it (the package e2fsprogs)")
    case .toolFailed(let name, let said):
      Explanation(what: "cannot make an ext3 file system", why: "\(name) failed: \(printable(said))")
    case .sif(let path, let fault):
      Explanation(
        what: "\(fault.explanation.what) \(printable(path))", why: fault.explanation.why,
        remedy: fault.explanation.remedy)
    case .refused(let path, let why, let remedy):
      Explanation(what: "cannot add an overlay to \(printable(path))", why: why, remedy: remedy)
    case .inUse(let path, let pid):
      Explanation(
        what: "cannot add an overlay to \(printable(path))",
        why: "it is in use" + (pid.map { " by process \($0)" } ?? ""), remedy: "wait for it to end")
    case .system(let path, let fault):
      Explanation(
        what: "cannot make the overlay \(printable(path))",
        why: fault.explanation.why, remedy: fault.explanation.remedy)
    }
  }
}
