internal import Content
internal import Glibc
internal import Linux

extension CacheDirectory {
  /// Copies the objects of an exported store into the cache. Each is verified against the store's list before
  /// it appears; the first that does not match ends the import. Records of tags come last, so that none leads
  /// to an image that did not come, and never replace one that the registry was asked for later.
  public func importStore(from source: String) throws(CacheFault) -> StoreTransfer {
    let top = try onCache(source) { () throws(SystemCallFault) in
      try File.open(source, O_RDONLY | O_DIRECTORY)
    }
    guard let manifest = try StoreManifest.read(in: top, path: source) else {
      throw .store(path: source, why: "it has no \(StoreManifest.fileName)")
    }
    var transfer = StoreTransfer()
    for object in manifest.objects.filter({ $0.kind != .tags })
      + manifest.objects.filter({ $0.kind == .tags })
    {
      let entry = CacheEntry(kind: object.kind, name: object.name, bytes: object.size, usedSeconds: time(nil))
      let place = "\(source)/\(object.kind.rawValue)/\(object.name)"
      let isNew =
        try object.kind == .tags
        ? importTag(object, from: top, place) : importObject(object, from: top, place)
      if isNew { transfer.copied.append(entry) } else { transfer.present.append(entry) }
    }
    return transfer
  }

  private static func open(
    _ object: StoreManifest.Object, in top: Int32, _ place: String
  ) throws(CacheFault) -> Descriptor {
    let file = try onCache(place) { () throws(SystemCallFault) in
      let folder = try File.open(object.kind.rawValue, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: top)
      return try File.open(object.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, from: folder.number)
    }
    let facts = try onCache(place) { () throws(SystemCallFault) in try File.facts(file) }
    guard facts.kind == .file else { throw .store(path: place, why: "it is no file") }
    guard facts.size == object.size else {
      throw .damaged(path: place, expected: "\(object.size) bytes", found: "\(facts.size) bytes")
    }
    return file
  }

  private func importObject(
    _ object: StoreManifest.Object, from top: borrowing Descriptor, _ place: String
  ) throws(CacheFault) -> Bool {
    if let there = existingFolder(object.kind),
      let facts = try? File.facts(object.name, from: there.number, following: false),
      facts.size == object.size
    {
      return false
    }
    let file = try Self.open(object, in: top.number, place)
    var new = try create(object.kind, object.name, mode: object.kind == .images ? 0o755 : 0o600)
    let number = new.number
    let found = try onCache(place) { () throws(SystemCallFault) in
      try copy(file.number, to: number, size: object.size, object.digest.algorithm)
    }
    guard found.digest == object.digest, found.size == object.size else {
      throw .damaged(path: place, expected: object.digest.text, found: found.digest.text)
    }
    // Manifests are named by their own digest: who wrote the list must not give one the name of another.
    if object.kind == .manifests, let named = Digest("sha256:" + object.name), named != found.digest {
      throw .damaged(path: place, expected: named.text, found: found.digest.text)
    }
    try new.publish()
    return true
  }

  private func importTag(
    _ object: StoreManifest.Object, from top: borrowing Descriptor, _ place: String
  ) throws(CacheFault) -> Bool {
    let file = try Self.open(object, in: top.number, place)
    let bytes = try onCache(place) { () throws(SystemCallFault) in
      try File.readAll(file, limit: TagRecord.limit, subject: object.name)
    }
    let found = Digest.of(bytes, object.digest.algorithm)
    guard found == object.digest else {
      throw .damaged(path: place, expected: object.digest.text, found: found.text)
    }
    guard let record = TagRecord(parsing: bytes), record.fileName == object.name else {
      throw .store(path: place, why: "it is no record of a tag")
    }
    if let own = tag(record.reference, platform: record.platform), own.checkedSeconds >= record.checkedSeconds
    {
      return false
    }
    try setTag(record)
    return true
  }
}
