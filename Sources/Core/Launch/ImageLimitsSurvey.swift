internal import Glibc
internal import Linux
internal import Model
public import Settings

/// Looks up what the site's limits on images need to know of the open file `descriptor`.
public func surveyImageOrigin(
  _ descriptor: Int32, path: String, kind: ImageOrigin.Kind, uid: UInt32, gid: UInt32, settings: Settings
) -> ImageOrigin {
  var origin = ImageOrigin(path: path, kind: kind, realPath: nil, uid: uid, gid: gid)
  if !settings.limitedPaths.isEmpty {
    // The link tells a file without a name by these words behind the old one.
    origin.realPath = (try? File.target(ofLink: Mount.path(of: descriptor))).flatMap {
      $0.hasSuffix(" (deleted)") ? nil : $0
    }
  }
  addAllowed(to: &origin, settings)
  return origin
}

/// The same of an image that is not there yet: a SIF that will come to lie in `cache`, and be the caller's.
public func surveyImageOrigin(
  ofReference reference: String, cache: String?, uid: UInt32, gid: UInt32, settings: Settings
) -> ImageOrigin {
  var origin = ImageOrigin(path: reference, kind: .sif, realPath: nil, uid: uid, gid: gid)
  if !settings.limitedPaths.isEmpty { origin.realPath = cache.map(realPath) }
  addAllowed(to: &origin, settings)
  return origin
}

private func addAllowed(to origin: inout ImageOrigin, _ settings: Settings) {
  origin.allowedPaths = settings.limitedPaths.map(realPath)
  origin.allowedOwners = settings.limitedOwners.compactMap { UInt32($0) ?? User.entry(named: $0)?.uid }
  origin.allowedGroups = settings.limitedGroups.compactMap { UInt32($0) ?? User.group(named: $0) }
}

/// A directory without links in its path; of one that is not there, as far as there is something.
private func realPath(_ directory: String) -> String {
  let plain = ContainerPath.normalized(directory)
  if let opened = try? File.open(directory, O_PATH | O_DIRECTORY),
    let path = try? File.target(ofLink: Mount.path(of: opened.number))
  {
    return path
  }
  guard plain != "/" else { return plain }
  return ContainerPath.normalized(
    ContainerPath.lastComponent(plain), from: realPath(ContainerPath.parent(plain)))
}
