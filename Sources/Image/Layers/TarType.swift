/// What an entry is, by its letter (POSIX pax, "ustar Interchange Format", typeflag; GNU tar manual for `S`).
enum TarType: Equatable {
  case file, directory, link, hardLink, character, block, pipe

  init(_ header: TarHeader, _ extended: ExtendedHeader) throws(EntryFault) {
    switch header.type {
    case 0, UInt8(ascii: "0"):
      // Before ustar a directory was a file whose name ends with a slash.
      let isOld = header.format == .v7 || header.type == 0
      let path = try extended.path(of: header, isFile: true)
      self = isOld && path.last == 0x2F ? .directory : .file
    case UInt8(ascii: "7"), UInt8(ascii: "S"): self = .file
    case UInt8(ascii: "1"): self = .hardLink
    case UInt8(ascii: "2"): self = .link
    case UInt8(ascii: "3"): self = .character
    case UInt8(ascii: "4"): self = .block
    case UInt8(ascii: "5"): self = .directory
    case UInt8(ascii: "6"): self = .pipe
    case UInt8(ascii: "D"): throw .archiveKind("a listing of a directory")
    case UInt8(ascii: "M"): throw .archiveKind("the rest of a file from another volume")
    case UInt8(ascii: "N"): throw .archiveKind("a list of long names in a form given up long ago")
    case UInt8(ascii: "V"): throw .archiveKind("the name of a volume")
    default: throw .type(header.type)
    }
  }
}

extension ExtendedHeader {
  /// The path as the archive has it. `isFile`: a sparse file has its real name elsewhere.
  func path(of header: TarHeader, isFile: Bool) throws(EntryFault) -> [UInt8] {
    if let path, let longName, path != longName { throw .twoNames }
    if isFile, let name = sparse.name { return name }
    return path ?? longName ?? header.name
  }

  /// Bytes behind the header.
  func size(of header: TarHeader) throws(EntryFault) -> Int {
    if let size { size } else { try header.size() }
  }

  /// What an extended header says is not looked for in the header, whose fields may be too short for it.
  func uid(of header: TarHeader) throws(EntryFault) -> UInt32 { if let uid { uid } else { try header.uid() } }
  func gid(of header: TarHeader) throws(EntryFault) -> UInt32 { if let gid { gid } else { try header.gid() } }
  func modified(of header: TarHeader) throws(EntryFault) -> UInt32 {
    if let modified { modified } else { try header.modified() }
  }

  func kind(
    _ type: TarType, of header: TarHeader, fileSize: Int
  ) throws(EntryFault) -> LayerEntry.Kind {
    switch type {
    case .file: return .file(size: fileSize)
    case .directory: return .directory
    case .pipe: return .pipe
    case .block:
      let device = try header.device()
      return .block(major: device.major, minor: device.minor)
    case .character:
      let device = try header.device()
      return .character(major: device.major, minor: device.minor)
    case .hardLink, .link:
      if let linkTarget, let longTarget, linkTarget != longTarget { throw .twoNames }
      let target = linkTarget ?? longTarget ?? header.linkTarget
      guard !target.isEmpty else { throw .emptyTarget }
      if type == .hardLink { return .hardLink(to: try EntryPath.clean(target)) }
      guard target.count <= EntryPath.longestTarget else { throw .targetTooLong }
      return .link(target: target)
    }
  }
}
