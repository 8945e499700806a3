internal import Engine
internal import ImageMount
internal import Launch
internal import Linux
internal import Messages
internal import Model
internal import Settings

extension HostFacts {
  /// Looks at the image of a launch itself, where changes lie in a partition of it.
  mutating func surveyOwn(_ image: ImageFile, _ request: LaunchRequest, _ settings: Settings, writes: Bool) {
    guard image.hasOverlayPartition else { return }
    guard request.whyNoOverlay(settings) == nil else {
      leavesOutOwn = true
      return
    }
    surveyOwnImage(image.path, opening: Mount.path(of: image.descriptor), writes: writes)
  }
}

/// Mounts file systems of files beside the image of a launch, and looks at what of them is shown.
func mountFiles(
  _ files: [FileImage], for request: LaunchRequest, in entered: inout Engine.Entered, _ host: inout HostFacts,
  searchPath: String?, _ output: Output
) throws(EngineFault) {
  guard !files.isEmpty else { return }
  try Engine.mount(files, in: &entered, searchPath: searchPath)
  for notice in entered.files?.notices ?? [] { output.notice(notice) }
  let mounted = entered.files?.mounted ?? []
  let ext = mounted.filter { $0.image.fileSystem == .ext }
  if !ext.isEmpty { host.extIsOfKernel = ext.allSatisfy(\.isOfKernel) }
  for (image, path, key) in (try? pathsInImages(request, host: host)) ?? [] {
    guard let file = mounted.first(where: { $0.image.isSame(image) }) else { continue }
    host.imageKinds[key] = kindInImage(path, root: file.mount)
  }
}
