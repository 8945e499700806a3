internal import Content
internal import Glibc
internal import Linux
internal import Model

/// `apus-store.json`: the objects of an exported store with the digests of their bytes.
struct StoreManifest: Equatable, Sendable {
  struct Object: Equatable, Sendable {
    var kind: CacheKind
    var name: String
    /// Bytes.
    var size: Int
    var digest: Digest
  }

  static let fileName = "apus-store.json"
  /// Of the file; some 200 bytes an object.
  static let limit = 64 << 20

  var objects: [Object] = []

  var text: String {
    let list = objects.map { object in
      JSON.object([
        ("kind", .string(object.kind.rawValue)), ("name", .string(object.name)),
        ("size", .integer(object.size)),
        ("digest", .string(object.digest.text)),
      ])
    }
    return JSON.object([("format", .integer(1)), ("objects", .array(list))]).text(indented: true) + "\n"
  }

  init() {}

  init(parsing bytes: [UInt8], path: String) throws(CacheFault) {
    let json: JSON
    do throws(JSONFault) { json = try JSON(parsing: bytes) } catch {
      throw .store(path: path, why: "\(Self.fileName), byte \(error.offset): \(error.why)")
    }
    guard case .integer(1)? = json["format"], case .array(let list)? = json["objects"] else {
      throw .store(path: path, why: "\(Self.fileName) is not of format 1")
    }
    for (index, item) in list.enumerated() {
      guard let kind = item["kind"]?.text.flatMap({ CacheKind(rawValue: $0) }),
        CacheKind.portable.contains(kind),
        let name = item["name"]?.text, ObjectName.isValid(name.utf8),
        case .integer(let size)? = item["size"], size >= 0,
        let digest = item["digest"]?.text.flatMap({ Digest($0) })
      else { throw .store(path: path, why: "\(Self.fileName), object \(index + 1) makes no sense") }
      objects.append(Object(kind: kind, name: name, size: size, digest: digest))
    }
  }

  /// The list in a directory; nil where there is none.
  static func read(in directory: borrowing Descriptor, path: String) throws(CacheFault) -> StoreManifest? {
    let number = directory.number
    let bytes: [UInt8]
    do throws(SystemCallFault) {
      let file = try File.open(fileName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, from: number)
      bytes = try File.readAll(file, limit: limit, subject: fileName)
    } catch {
      if error.number == ENOENT { return nil }
      throw .call(path: path, error)
    }
    return try StoreManifest(parsing: bytes, path: path)
  }
}
