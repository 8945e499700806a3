public import Model
public import Settings

/// What the site's limits on images are about: where the opened file really lies, whose it is, and what it is.
///
/// A guard rail and no security boundary: a user can always run another program, or read an image by other means.
public struct ImageOrigin: Equatable, Sendable {
  public enum Kind: Equatable, Sendable { case sif, squashfs, directory }

  /// As the user wrote it, for messages.
  public var path: String
  public var kind: Kind
  /// Without links, as the kernel has it of the open file; nil: it has no name any more.
  public var realPath: String?
  public var uid: UInt32
  public var gid: UInt32
  /// What `limit container paths` names, without links; only looked up where it is set.
  public var allowedPaths: [String] = []
  /// The numbers behind `limit container owners` and `limit container groups`; of a name that nobody knows there is none.
  public var allowedOwners: [UInt32] = []
  public var allowedGroups: [UInt32] = []

  public init(path: String, kind: Kind, realPath: String?, uid: UInt32, gid: UInt32) {
    self.path = path
    self.kind = kind
    self.realPath = realPath
    self.uid = uid
    self.gid = gid
  }
}

/// Why the site runs an image not.
public enum ImageLimitFault: Error, Equatable, Sendable {
  case kind(path: String, ImageOrigin.Kind)
  case place(path: String, realPath: String?, allowed: [String])
  case owner(path: String, uid: UInt32, allowed: [String])
  case group(path: String, gid: UInt32, allowed: [String])
}

/// Holds an image against what the site allows. Paths are compared by their components.
public func checkImageLimits(_ image: ImageOrigin, settings: Settings) throws(ImageLimitFault) {
  let isAllowed =
    switch image.kind {
    case .sif: settings.allowsSIF
    case .squashfs: settings.allowsSquashfs
    case .directory: settings.allowsDirectories
    }
  guard isAllowed else { throw .kind(path: image.path, image.kind) }
  if !settings.limitedPaths.isEmpty {
    guard let real = image.realPath, image.allowedPaths.contains(where: { ContainerPath.isBelow(real, $0) })
    else { throw .place(path: image.path, realPath: image.realPath, allowed: settings.limitedPaths) }
  }
  if !settings.limitedOwners.isEmpty, !image.allowedOwners.contains(image.uid) {
    throw .owner(path: image.path, uid: image.uid, allowed: settings.limitedOwners)
  }
  if !settings.limitedGroups.isEmpty, !image.allowedGroups.contains(image.gid) {
    throw .group(path: image.path, gid: image.gid, allowed: settings.limitedGroups)
  }
}

extension Settings {
  /// Whether images are held against anything.
  public var limitsImages: Bool {
    !allowsSIF || !allowsSquashfs || !allowsDirectories || limitsFiles
  }

  /// Whether it matters which file an image is.
  public var limitsFiles: Bool {
    !limitedPaths.isEmpty || !limitedOwners.isEmpty || !limitedGroups.isEmpty
  }
}

extension ImageLimitFault: Explained {
  public var explanation: Explanation {
    let what: String
    let why: String
    let remedy: String
    switch self {
    case .kind(let path, let kind):
      let (name, key) =
        switch kind {
        case .sif: ("SIF files", "sif")
        case .squashfs: ("bare squashfs files", "squashfs")
        case .directory: ("directories", "dir")
        }
      what = path
      why = "this site runs no \(name) (allow container \(key) = no)"
      remedy = "make an image of another form of it: apus build"
    case .place(let path, let real, let allowed):
      what = path
      let place =
        if let real { real == path ? "it" : "it really is \(printable(real)), which" } else {
          "it has no name any more, and"
        }
      why = "\(place) does not lie in a directory that this site runs images from (limit container paths)"
      remedy = "images may lie in " + Self.list(allowed)
    case .owner(let path, let uid, let allowed):
      what = path
      why =
        "it belongs to uid \(uid), and this site runs images of certain users only (limit container owners)"
      remedy = "images may belong to " + Self.list(allowed)
    case .group(let path, let gid, let allowed):
      what = path
      why =
        "it belongs to gid \(gid), and this site runs images of certain groups only (limit container groups)"
      remedy = "images may belong to " + Self.list(allowed)
    }
    return Explanation(what: "cannot run the image \(printable(what))", why: why, remedy: remedy)
  }

  private static func list(_ words: [String]) -> String { words.map { printable($0) }.connected(by: ", ") }
}
