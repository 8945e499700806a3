internal import Content
internal import Glibc
internal import Linux

/// What an export or an import brought about.
public struct StoreTransfer: Equatable, Sendable {
  /// What was copied.
  public internal(set) var copied: [CacheEntry] = []
  /// What was there already.
  public internal(set) var present: [CacheEntry] = []
}

extension CacheDirectory {
  /// Copies images, with the manifests and tags that lead to them, to a directory of the cache's own layout,
  /// which can be used as an image store as it is. `references` nil: everything; with `segments` the layers
  /// too. What the directory has already stays, and its list grows.
  public func exportStore(
    to target: String, references: [String]? = nil, segments: Bool = false
  ) throws(CacheFault) -> StoreTransfer {
    let entries = try chosen(references, segments: segments)
    if unsafe mkdir(target, 0o755) != 0, errno != EEXIST {
      throw .call(path: target, SystemCallFault("mkdir", target, errno))
    }
    let top = try onCache(target) { () throws(SystemCallFault) in
      try File.open(target, O_RDONLY | O_DIRECTORY)
    }
    var manifest = try StoreManifest.read(in: top, path: target) ?? StoreManifest()
    var transfer = StoreTransfer()
    for entry in entries {
      guard let object = try exportObject(entry, to: top, manifest, target) else {
        transfer.present.append(entry)
        continue
      }
      manifest.objects.removeAll { $0.kind == object.kind && $0.name == object.name }
      manifest.objects.append(object)
      transfer.copied.append(entry)
    }
    try write(manifest, to: top, target)
    return transfer
  }

  private func chosen(_ references: [String]?, segments: Bool) throws(CacheFault) -> [CacheEntry] {
    let kinds = CacheKind.portable.filter { segments || $0 != .segments }
    let all = try list(kinds)
    guard let references else { return all }
    let records = tags()
    var names: [CacheKind: Set<String>] = [:]
    for reference in references {
      let meant = records.filter { Self.means(reference, $0.reference) }
      guard !meant.isEmpty else { throw .unknownReference(reference) }
      for record in meant {
        names[.tags, default: []].insert(record.fileName)
        names[.manifests, default: []].insert(record.digest.hex)
        if let image = record.image { names[.images, default: []].insert(image) }
      }
    }
    // Which layers belong to an image is not for the cache to know.
    return all.filter { $0.kind == .segments || names[$0.kind]?.contains($0.name) == true }
  }

  /// Whether a user's words name a reference: whole, or without the registry, the `docker://` or the tag
  /// `latest`.
  static func means(_ words: String, _ reference: String) -> Bool {
    var words = words[...]
    for prefix in ["docker://", "oras://"] where words.hasPrefix(prefix) {
      words = words.dropFirst(prefix.count)
    }
    guard !words.isEmpty else { return false }
    return [String(words), words + ":latest"].contains { reference == $0 || reference.hasSuffix("/" + $0) }
  }

  /// nil where the directory has it.
  private func exportObject(
    _ entry: CacheEntry, to top: borrowing Descriptor, _ manifest: StoreManifest, _ target: String
  ) throws(CacheFault) -> StoreManifest.Object? {
    // The only names that may change are those of tags.
    let isListed = manifest.objects.contains { $0.kind == entry.kind && $0.name == entry.name }
    let place = "\(target)/\(entry.kind.rawValue)"
    let folder = try Self.folder(entry.kind, in: top.number, place)
    if isListed, entry.kind != .tags, (try? File.facts(entry.name, from: folder.number))?.size == entry.bytes
    {
      return nil
    }
    guard let source = find(entry.kind, entry.name) else { return nil }
    do throws(SystemCallFault) {
      var file = try UnfinishedFile(entry.name, in: folder, mode: entry.kind == .images ? 0o755 : 0o644)
      let size = try File.facts(source).size
      let result = try copy(source.number, to: file.number, size: size)
      try file.publish(.replace)
      return StoreManifest.Object(
        kind: entry.kind, name: entry.name, size: result.size, digest: result.digest)
    } catch { throw .call(path: "\(place)/\(entry.name)", error) }
  }

  private static func folder(_ kind: CacheKind, in top: Int32, _ path: String) throws(CacheFault)
    -> Descriptor
  {
    try onCache(path) { () throws(SystemCallFault) in
      if unsafe mkdirat(top, kind.rawValue, 0o755) != 0, errno != EEXIST {
        throw SystemCallFault("mkdir", path, errno)
      }
      return try File.open(kind.rawValue, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: top)
    }
  }

  private func write(_ manifest: StoreManifest, to top: borrowing Descriptor, _ path: String)
    throws(CacheFault)
  {
    let number = top.number
    try onCache(path) { () throws(SystemCallFault) in
      let folder = try File.open(".", O_RDONLY | O_DIRECTORY, from: number)
      var file = try UnfinishedFile(StoreManifest.fileName, in: folder, mode: 0o644)
      try File.write(Array(manifest.text.utf8), to: file.number)
      try file.publish(.replace)
    }
  }
}
