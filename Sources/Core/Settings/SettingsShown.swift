internal import Model

extension Settings {
  /// Every key with its values as a file would write them, in the order of the template. A value that is not set, and has
  /// no default that could be written, is none.
  public var shown: [(key: String, values: [String])] {
    func mebibytes(_ bytes: Int?) -> [String] { bytes.map { ["\($0 >> 20)"] } ?? [] }
    let devices =
      switch deviceMount {
      case .yes: "yes"
      case .no: "no"
      case .minimal: "minimal"
      }
    return [
      ("bind path", bindPaths), ("mount home", Self.word(mountsHome)),
      ("mount tmp", Self.word(mountsTemporary)),
      ("mount proc", Self.word(mountsProc)), ("mount sys", Self.word(mountsSys)), ("mount dev", [devices]),
      ("mount devpts", Self.word(mountsTerminals)), ("mount hostfs", Self.word(mountsHostFileSystems)),
      ("mount slave", Self.word(receivesMounts)), ("user bind control", Self.word(allowsUserBinds)),
      ("enable overlay", Self.word(usesOverlay)), ("limit container paths", limitedPaths),
      ("limit container owners", limitedOwners), ("limit container groups", limitedGroups),
      ("allow container sif", Self.word(allowsSIF)), ("allow container squashfs", Self.word(allowsSquashfs)),
      ("allow container dir", Self.word(allowsDirectories)), ("config passwd", Self.word(writesPasswd)),
      ("config group", Self.word(writesGroup)),
      ("config resolv_conf", Self.word(writesResolverConfiguration)),
      ("sessiondir max size", mebibytes(sessionBytes)), ("memory fs type", [memoryType.rawValue]),
      ("image store", imageStores), ("cache max size", mebibytes(cacheBytes)), ("tag ttl", ["\(tagSeconds)"]),
      ("library uri", libraryURI.map { [$0] } ?? []), ("image compressor", compressor.map { [$0] } ?? []),
      ("shared mount", Self.word(sharesMounts)), ("mount linger", [Self.number(lingerSeconds)]),
      ("mount timeout", [Self.number(patienceSeconds)]), ("log launches", [launchLog.rawValue]),
      ("cni configuration path", networkFolder.isEmpty ? [] : [networkFolder]),
      ("cni plugin path", [networkPlugins.connected(by: ":")]),
    ]
  }

  private static func word(_ value: Bool) -> [String] { [value ? "yes" : "no"] }

  /// Without a fraction where there is none.
  private static func number(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))" : "\(value)"
  }
}
