internal import Model

/// How the root is made, given what is wanted and what the image has: the cheapest form that shows everything.
struct RootChoice {
  var root: RootPlan
  /// Steps that must come before the mounts: a tmpfs over an empty directory, and what is made in it.
  let preparation: [PlannedStep]
  /// Where a wanted target that is missing really goes, with links of the image followed.
  let places: [String: String]

  static func make(
    _ request: LaunchRequest, _ mounts: [WantedMount], _ image: ImageFacts, overlay: OverlayChoice,
    sessionBytes: Int, extIsOfKernel: Bool, withoutOverlay: String? = nil
  ) throws(LaunchFault) -> RootChoice {
    var missing: [(mount: WantedMount, parent: String, rest: [String], isEmpty: Bool)] = []
    var places: [String: String] = [:]
    for mount in mounts {
      switch image.targets[mount.target] {
      case .missing(let parent, let rest, let isEmpty):
        if mount.needsTarget { continue }
        missing.append((mount, parent, rest, isEmpty))
        places[mount.target] = (parent == "/" ? "" : parent) + "/" + rest.connected(by: "/")
      case .directory where !mount.isDirectory:
        throw .kind(target: mount.target, sourceIsDirectory: false)
      case .other where mount.isDirectory:
        throw .kind(target: mount.target, sourceIsDirectory: true)
      default: break
      }
    }
    var skeleton: [SkeletonEntry] = []
    for item in missing {
      var path = item.parent == "/" ? "" : item.parent
      for (index, name) in item.rest.enumerated() {
        path += "/" + name
        let isLast = index == item.rest.count - 1
        let entry = SkeletonEntry(path, isLast && !item.mount.isDirectory ? .file : .directory)
        if !skeleton.contains(where: { $0.path == entry.path }) { skeleton.append(entry) }
      }
    }
    let whatIsMissing = missing.map { printable($0.mount.target) }.connected(by: ", ")
    func plan(_ form: RootPlan.Form, _ reason: String, skeleton: [SkeletonEntry] = []) -> RootPlan {
      var root = RootPlan(
        form: form, layers: overlay.layers, skeleton: skeleton, sessionBytes: sessionBytes, reason: reason)
      root.isMadeByProgram = overlay.hasExt && !extIsOfKernel
      return root
    }
    if let image = overlay.writableImage {
      return RootChoice(
        root: plan(
          .writableImage(image), request.writable ? "--writable" : "--overlay", skeleton: skeleton),
        preparation: [], places: places)
    }
    if request.writable {
      return RootChoice(
        root: plan(.writableSandbox, "--writable", skeleton: skeleton), preparation: [], places: places)
    }
    if let directory = overlay.writableDirectory {
      return RootChoice(
        root: plan(.writableOverlay(directory: directory), "--overlay", skeleton: skeleton), preparation: [],
        places: places)
    }
    if request.writableTemporary {
      return RootChoice(
        root: plan(.writableTemporary, "--writable-tmpfs", skeleton: skeleton), preparation: [],
        places: places)
    }
    if missing.isEmpty, overlay.layers.isEmpty {
      return RootChoice(
        root: plan(.image, "the image has every mount point"), preparation: [], places: places)
    }
    // Missing mount points below empty directories of the image: a tmpfs there hides nothing.
    let parents = Set(missing.map(\.parent))
    if overlay.layers.isEmpty, missing.allSatisfy(\.isEmpty) {
      var steps: [PlannedStep] = []
      for parent in parents.sorted() {
        steps.append(
          PlannedStep(
            .fileSystem(
              type: "tmpfs", target: parent,
              options: [FileSystemOption("mode", "0755"), FileSystemOption("size", "65536")]),
            reason: "mount points in an empty directory of the image"))
      }
      for entry in skeleton {
        steps.append(
          PlannedStep(
            entry.kind == .file ? .makeFile(path: entry.path) : .makeDirectory(path: entry.path, mode: 0o755),
            reason: "a mount point the image does not have"))
      }
      return RootChoice(
        root: plan(.image, "missing mount points lie in empty directories of the image: \(whatIsMissing)"),
        preparation: steps, places: places)
    }
    let ofLayers = request.overlays.isEmpty ? "the image's overlay partition" : "--overlay"
    let reason = missing.isEmpty ? ofLayers : "the image lacks \(whatIsMissing)"
    if image.hasOverlay && withoutOverlay == nil || !overlay.layers.isEmpty {
      return RootChoice(
        root: plan(.readOnlyOverlay, reason, skeleton: skeleton), preparation: [], places: places)
    }
    return RootChoice(
      root: plan(
        .boundEntries,
        reason
          + (withoutOverlay.map { ", and no overlay is wanted (\($0))" }
            ?? ", and this kernel has no overlay for users"),
        skeleton: skeleton),
      preparation: [],
      places: places)
  }
}

extension OverlayChoice {
  /// Whether an ext file system is among what lies over the image.
  fileprivate var hasExt: Bool {
    writableImage != nil
      || layers.contains { if case .image(let image) = $0 { image.fileSystem == .ext } else { false } }
  }
}
