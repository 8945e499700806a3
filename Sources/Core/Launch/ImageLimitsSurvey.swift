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
    origin.allowedPaths = settings.limitedPaths.map(realPath)
  }
  origin.allowedOwners = settings.limitedOwners.compactMap { UInt32($0) ?? User.entry(named: $0)?.uid }
  origin.allowedGroups = settings.limitedGroups.compactMap { UInt32($0) ?? User.group(named: $0) }
  return origin
}

/// A directory without links in its path; one that cannot be opened as it is written.
private func realPath(_ directory: String) -> String {
  let plain = ContainerPath.normalized(directory)
  guard let opened = try? File.open(directory, O_PATH | O_DIRECTORY) else { return plain }
  return (try? File.target(ofLink: Mount.path(of: opened.number))) ?? plain
}
