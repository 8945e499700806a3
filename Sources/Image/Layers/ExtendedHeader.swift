internal import Tree

/// What extended headers say of the entry that follows them: records of POSIX pax (pax Header Block) with the
/// words of GNU tar, star and libarchive, and GNU's long names. Words that are not listed here mean nothing
/// to an image and are passed over (`hdrcharset` among them: names stay the bytes they are).
struct ExtendedHeader {
  var path: [UInt8]?
  var linkTarget: [UInt8]?
  var size: Int?
  var uid: UInt32?
  var gid: UInt32?
  var modified: UInt32?
  /// From GNU's own entries `L` and `K`.
  var longName: [UInt8]?
  var longTarget: [UInt8]?
  var sparse = SparseRecords()
  private(set) var attributes = AttributeRecords()
  /// Whether a header was there, even one that says nothing.
  var isUsed = false

  /// GNU.sparse.*: three forms (GNU tar manual, "Storing Sparse Files").
  struct SparseRecords {
    var major: Int?
    var minor: Int?
    /// The real name; the entry's own is made up.
    var name: [UInt8]?
    /// The size with holes.
    var size: Int?
    /// The map of the forms 0.0 and 0.1. 1.0 has it before the content.
    var stretches: [SparseStretch] = []
    var pendingOffset: Int?
    var isUsed = false
  }

  /// Takes the records of a header of type `x`. Of the same word the later one counts.
  mutating func add(_ bytes: [UInt8]) throws(EntryFault) {
    try Self.forEachRecord(of: bytes) { keyword, value throws(EntryFault) in
      try take(keyword, value)
    }
  }

  /// Checks a header of type `g`, which speaks of all entries that follow: it is passed over, but for words
  /// that would give every entry the same place or length. Returns the words that are no comment.
  static func checkGlobal(_ bytes: [UInt8]) throws(EntryFault) -> [String] {
    var passed: [String] = []
    try forEachRecord(of: bytes) { word, _ throws(EntryFault) in
      let keyword = String(decoding: word, as: UTF8.self)
      if ["path", "linkpath", "size"].contains(keyword) || keyword.hasPrefix("GNU.sparse.") {
        throw .global(keyword: keyword)
      }
      if ["uid", "gid", "mtime"].contains(keyword) || AttributeRecords.isAttribute(word) {
        passed.append(keyword)
      }
    }
    return passed
  }

  /// The name or target that an entry of type `L` or `K` holds, without the NUL at its end.
  static func longText(_ bytes: [UInt8], field: String) throws(EntryFault) -> [UInt8] {
    let text = bytes.prefix { $0 != 0 }
    guard bytes[text.endIndex...].allSatisfy({ $0 == 0 }) else { throw .nul(field: field) }
    return Array(text)
  }

  private static func forEachRecord(
    of bytes: [UInt8], _ body: (ArraySlice<UInt8>, ArraySlice<UInt8>) throws(EntryFault) -> Void
  ) throws(EntryFault) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Twenty digits are more than any length that fits.
      guard let blank = rest.prefix(20).firstIndex(of: 0x20),
        let length = TarNumber.decimal(rest[rest.startIndex..<blank]), length <= rest.count,
        rest.startIndex + length > blank + 1, rest[rest.startIndex + length - 1] == 0x0A
      else { throw .record }
      let record = rest[(blank + 1)..<(rest.startIndex + length - 1)]
      guard let equals = record.firstIndex(of: UInt8(ascii: "=")), equals > record.startIndex,
        !record[..<equals].contains(0)
      else { throw .record }
      try body(record[..<equals], record[(equals + 1)...])
      rest = rest[(rest.startIndex + length)...]
    }
  }

  private mutating func take(_ word: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) throws(EntryFault) {
    // Names of attributes may be any bytes, every other word is text.
    if AttributeRecords.isAttribute(word) { return try attributes.take(word, value) }
    let keyword = String(decoding: word, as: UTF8.self)
    switch keyword {
    // An empty value takes back what was said (POSIX pax, "pax Extended Header").
    case "path": path = try Self.text(value, keyword)
    case "linkpath": linkTarget = try Self.text(value, keyword)
    case "size": size = value.isEmpty ? nil : try Self.size(value, keyword)
    case "uid": uid = value.isEmpty ? nil : try Self.owner(value, keyword, "owner")
    case "gid": gid = value.isEmpty ? nil : try Self.owner(value, keyword, "group")
    case "mtime":
      modified = nil
      if !value.isEmpty {
        guard let seconds = TarNumber.seconds(value) else { throw .recordValue(keyword: keyword) }
        modified = seconds
      }
    default:
      if keyword.hasPrefix("GNU.sparse.") { try takeSparse(keyword, value) }
    }
  }

  private mutating func takeSparse(_ keyword: String, _ value: ArraySlice<UInt8>) throws(EntryFault) {
    sparse.isUsed = true
    switch keyword {
    case "GNU.sparse.major": sparse.major = try Self.number(value, keyword)
    case "GNU.sparse.minor": sparse.minor = try Self.number(value, keyword)
    case "GNU.sparse.name": sparse.name = try Self.text(value, keyword)
    case "GNU.sparse.size", "GNU.sparse.realsize": sparse.size = try Self.size(value, keyword)
    case "GNU.sparse.offset":
      guard sparse.pendingOffset == nil else { throw .sparseMap }
      sparse.pendingOffset = try Self.number(value, keyword)
    case "GNU.sparse.numbytes":
      guard let offset = sparse.pendingOffset else { throw .sparseMap }
      sparse.stretches.append(SparseStretch(offset: offset, size: try Self.number(value, keyword)))
      sparse.pendingOffset = nil
    case "GNU.sparse.map":
      sparse.stretches = []
      var offset: Int?
      for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
        let number = try Self.number(part, keyword)
        if let start = offset {
          sparse.stretches.append(SparseStretch(offset: start, size: number))
          offset = nil
        } else {
          offset = number
        }
      }
      guard offset == nil else { throw .sparseMap }
    default: break  // numblocks: the map says it again
    }
  }

  private static func text(_ value: ArraySlice<UInt8>, _ keyword: String) throws(EntryFault) -> [UInt8]? {
    guard !value.contains(0) else { throw .nul(field: keyword) }
    return value.isEmpty ? nil : Array(value)
  }

  private static func number(_ value: ArraySlice<UInt8>, _ keyword: String) throws(EntryFault) -> Int {
    guard let number = TarNumber.decimal(value) else { throw .recordValue(keyword: keyword) }
    return number
  }

  private static func size(_ value: ArraySlice<UInt8>, _ keyword: String) throws(EntryFault) -> Int {
    guard value.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }) else {
      throw .recordValue(keyword: keyword)
    }
    guard let size = TarNumber.decimal(value), size <= TarReader.largestFile else {
      throw .size(field: keyword)
    }
    return size
  }

  private static func owner(
    _ value: ArraySlice<UInt8>, _ keyword: String, _ field: String
  ) throws(EntryFault) -> UInt32 {
    guard value.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }) else {
      throw .recordValue(keyword: keyword)
    }
    guard let id = TarNumber.decimal(value), id < Int(UInt32.max) else { throw .owner(field: field) }
    return UInt32(id)
  }
}
