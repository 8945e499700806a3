internal import Model

/// Why an entry of a layer is refused. Everything that two readers could understand differently is.
public enum EntryFault: Error, Equatable, Sendable {
  /// The layer ends inside the entry.
  case truncated
  /// Neither the sum of the header's bytes as unsigned nor that as signed numbers is the one it names.
  case checksum
  /// One block of zeros, and then something else.
  case loneZeroBlock
  /// A field that is no number.
  case number(field: String)
  /// A size below zero or beyond any file.
  case size(field: String)
  /// An owner or group beyond 2^32 - 2; the next one means "none" to the kernel.
  case owner(field: String)
  /// A letter for a type that no reader of layers knows.
  case type(UInt8)
  /// A kind of GNU tar's own that makes no sense in a layer.
  case archiveKind(String)
  /// Extended headers beyond `limit` bytes.
  case extendedHeaderSize(limit: Int)
  /// A record of an extended header does not have the form `LENGTH KEYWORD=VALUE`, or its length is wrong.
  case record
  case recordValue(keyword: String)
  /// A NUL where the rest would be lost.
  case nul(field: String)
  /// A keyword in a header for all entries that can only be meant for one.
  case global(keyword: String)
  /// Two extended headers name the entry differently.
  case twoNames
  /// An extended header and then no entry.
  case nothingFollows
  /// A map of a sparse file that is out of order, beyond the file, or does not fit the content.
  case sparseMap
  case emptyName
  case nameTooLong
  case pathTooLong
  case tooDeep
  case emptyTarget
  case targetTooLong
  /// `.wh.`, `.wh..` and `.wh...` name nothing that could be hidden.
  case whiteout
  /// A whiteout that has something in it.
  case whiteoutInPath
  /// The root is something else than a directory.
  case root
  case tooManyLinks
  case targetMissing(String)
  case targetIsDirectory(String)
  /// A file that has bytes, and nobody knows where: a mistake of the caller or a damaged index.
  case contentMissing
}

extension EntryFault {
  var sentence: String {
    switch self {
    case .truncated: "the layer ends inside it"
    case .checksum: "the checksum of its header is wrong"
    case .loneZeroBlock: "it stands behind a single block of zeros, which is no end of an archive"
    case .number(let field): "its \(field) is no number"
    case .size(let field): "its \(field) is negative or beyond \(TarReader.largestFile) bytes"
    case .owner(let field): "its \(field) is beyond 4294967294"
    case .type(let type): "its type \"\(printable(String(Unicode.Scalar(type))))\" is unknown"
    case .archiveKind(let kind): "it is \(kind), which only has a meaning in backups"
    case .extendedHeaderSize(let limit): "it has more than \(limit) bytes of extended headers"
    case .record: "its extended header is malformed"
    case .recordValue(let keyword):
      "the value of \"\(printable(keyword))\" in its extended header is malformed"
    case .nul(let field): "its \(field) holds a NUL"
    case .global(let keyword): "a header for all entries sets \"\(printable(keyword))\""
    case .twoNames: "its extended headers give two different names"
    case .nothingFollows: "it is an extended header that belongs to no entry"
    case .sparseMap: "its map of holes is malformed"
    case .emptyName: "its name is empty"
    case .nameTooLong: "a name in its path has more than \(EntryPath.longestName) bytes"
    case .pathTooLong: "its path has more than \(EntryPath.longest) bytes"
    case .tooDeep: "its path has more than \(EntryPath.deepest) directories"
    case .emptyTarget: "it is a link to nothing"
    case .targetTooLong: "the target of the link has more than \(EntryPath.longestTarget) bytes"
    case .whiteout: "it is an invalid whiteout: it names nothing to hide"
    case .whiteoutInPath: "a whiteout is used as a directory"
    case .root: "it would replace the root directory"
    case .tooManyLinks: "its path has too many links, or they go in circles"
    case .targetMissing(let target): "it is a hard link to \(printable(target)), which is not in the image"
    case .targetIsDirectory(let target): "it is a hard link to \(printable(target)), a directory"
    case .contentMissing: "nobody knows where its bytes are"
    }
  }

  var remedy: String {
    switch self {
    case .truncated, .checksum: "get the image anew; if that does not help it is damaged where it comes from"
    case .owner: "change the owner when the image is made"
    case .contentMissing: "remove the image from the cache and get it anew"
    default: "the image is damaged or was made to mislead: have it built anew by its authors"
    }
  }
}
