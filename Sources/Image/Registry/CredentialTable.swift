internal import Model
internal import Reference

/// A file in docker's form: which credentials it holds, and which helpers it names (docker, `config.json`;
/// containers-auth.json(5)).
struct CredentialTable {
  let path: String
  let json: JSON

  init(parsing bytes: [UInt8], path: String) throws(CredentialFault) {
    self.path = path
    // podman makes empty files before it writes them.
    guard bytes.contains(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
      json = .object([])
      return
    }
    do throws(JSONFault) { json = try JSON(parsing: bytes) } catch {
      throw .notJSON(path: path, why: error.why, offset: error.offset)
    }
    guard case .object = json else {
      throw .notJSON(path: path, why: "it begins with no object", offset: 0)
    }
  }

  /// The helper for a registry by one of its keys.
  func helper(for keys: [String]) -> (name: String, key: String)? {
    let helpers = json["credHelpers"]
    for key in keys {
      if let name = helpers?[key]?.text, !name.isEmpty { return (name, key) }
    }
    return nil
  }

  /// The helper for all registries without one of their own.
  var store: String? {
    guard let name = json["credsStore"]?.text, !name.isEmpty else { return nil }
    return name
  }

  /// What the table itself holds under the first of the keys that has something. Docker leaves empty entries
  /// for what a helper keeps.
  func credential(for keys: [String]) throws(CredentialFault) -> Credential? {
    let entries = json["auths"]
    for key in keys {
      guard let entry = entries?[key] else { continue }
      if let credential = try Self.credential(entry, path: path, key: key) { return credential }
    }
    return nil
  }

  private static func credential(
    _ entry: JSON, path: String, key: String
  ) throws(CredentialFault) -> Credential? {
    func text(_ name: String) throws(CredentialFault) -> String? {
      switch entry[name] {
      case nil, .null: return nil
      case .string(let text): return text.isEmpty ? nil : text
      default: throw .entry(path: path, key: key)
      }
    }
    if let token = try text("registrytoken") { return .registryToken(token) }
    if let token = try text("identitytoken") { return .identityToken(token) }
    if let auth = try text("auth") {
      guard let bytes = Base64.decode(auth), let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0
      else { throw .entry(path: path, key: key) }
      var password = bytes[(colon + 1)...]
      // Old versions of docker padded it with NUL.
      while password.last == 0 { password.removeLast() }
      return .basic(
        user: String(decoding: bytes[..<colon], as: UTF8.self),
        password: String(decoding: password, as: UTF8.self))
    }
    if let user = try text("username"), let password = try text("password") {
      return .basic(user: user, password: password)
    }
    return nil
  }
}
