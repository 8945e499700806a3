internal import Glibc
internal import Linux
internal import Model
public import Reference

/// The file in which `apus registry login` keeps credentials: docker's form, so that other programs read it.
/// What others keep in it stays as it is.
public struct AuthFile: Sendable {
  /// Where a credential went.
  public enum Place: Equatable, Sendable {
    case file(path: String)
    /// The program that keeps it.
    case helper(String)
  }

  /// Of whom a credential is.
  public struct Entry: Equatable, Sendable {
    /// `https://index.docker.io/v1/`, `registry.example.org:5000`
    public let key: String
    /// nil where only a token is kept, or a helper knows.
    public let user: String?
    /// The program that keeps it; nil for the file itself.
    public let helper: String?
  }

  public let path: String
  private let helpers: HelperEnvironment

  public init(path: String, helpers: HelperEnvironment) {
    self.path = path
    self.helpers = helpers
  }

  /// Keeps a credential: with the helper that the file names for the registry or for all, else in the file.
  @discardableResult
  public func store(_ credential: Credential, for registry: RegistryName) throws(CredentialFault) -> Place {
    try PrivateFile.lockingFolder(of: path) { () throws(CredentialFault) in
      let table = try read()
      let pair: (user: String, secret: String)? =
        switch credential {
        case .basic(let user, let password): (user, password)
        case .identityToken(let token): ("<token>", token)
        case .registryToken: nil
        }
      if let pair, let (helper, key) = try helper(for: registry, in: table) {
        try helper.store(key, user: pair.user, secret: pair.secret)
        // An empty entry tells others that there is one, as docker does.
        try write(Self.setting(key, to: .object([]), in: table.json))
        return .helper(helper.program)
      }
      let entry: JSON =
        switch credential {
        case .basic(let user, let password):
          .object([("auth", .string(Base64.encode(Array((user + ":" + password).utf8))))])
        case .identityToken(let token): .object([("identitytoken", .string(token))])
        case .registryToken(let token): .object([("registrytoken", .string(token))])
        }
      try write(Self.setting(registry.key, to: entry, in: table.json))
      return .file(path: path)
    }
  }

  /// Forgets the credential of a registry, under every spelling of its name. Whether there was one.
  public func erase(_ registry: RegistryName) throws(CredentialFault) -> Bool {
    guard unsafe access(path, F_OK) == 0 else { return false }
    return try PrivateFile.lockingFolder(of: path) { () throws(CredentialFault) in
      let table = try read()
      var wasThere = false
      if let (helper, key) = try helper(for: registry, in: table) { wasThere = try helper.erase(key) }
      let spellings = registry.namespace.isEmpty ? registry.spellings : [registry.key]
      var json = table.json
      for key in spellings where table.json["auths"]?[key] != nil {
        wasThere = true
        json = Self.setting(key, to: nil, in: json)
      }
      if json != table.json { try write(json) }
      return wasThere
    }
  }

  /// What the file and its helpers have, in the file's order.
  public func entries() throws(CredentialFault) -> [Entry] {
    let table = try read()
    let helpers = table.json["credHelpers"]?.members ?? []
    var found: [Entry] = []
    for (key, value) in table.json["auths"]?.members ?? [] {
      guard !value.members.isEmpty, !helpers.contains(where: { $0.0 == key }) else { continue }
      var user: String?
      if case .basic(let name, _) = try table.credential(for: [key]) { user = name }
      found.append(Entry(key: key, user: user, helper: nil))
    }
    for (key, name) in helpers {
      let helper = try CredentialHelper(name.text ?? "", namedIn: path, self.helpers)
      found.append(Entry(key: key, user: nil, helper: helper.program))
    }
    if let name = table.store {
      let helper = try CredentialHelper(name, namedIn: path, self.helpers)
      for (key, user) in try helper.list() where !found.contains(where: { $0.key == key }) {
        found.append(Entry(key: key, user: user.isEmpty ? nil : user, helper: helper.program))
      }
    }
    return found
  }

  private func read() throws(CredentialFault) -> CredentialTable {
    var bytes: [UInt8] = []
    do throws(SystemCallFault) { bytes = try File.readAll(path, limit: CredentialStore.fileLimit) } catch {
      guard error.number == ENOENT else { throw .unreadable(path: path, why: errorText(error.number)) }
    }
    return try CredentialTable(parsing: bytes, path: path)
  }

  private func helper(
    for registry: RegistryName, in table: CredentialTable
  ) throws(CredentialFault) -> (CredentialHelper, key: String)? {
    // Helpers know registries, not what is in them.
    guard registry.namespace.isEmpty else { return nil }
    if let (name, key) = table.helper(for: registry.keys) {
      return (try CredentialHelper(name, namedIn: path, helpers), key)
    }
    guard let name = table.store else { return nil }
    return (try CredentialHelper(name, namedIn: path, helpers), registry.key)
  }

  private func write(_ json: JSON) throws(CredentialFault) {
    try PrivateFile.write(Array((json.text(indented: true) + "\n").utf8), to: path)
  }

  /// The file's content with another entry in `auths`, everything else as it was and where it was.
  private static func setting(_ key: String, to entry: JSON?, in json: JSON) -> JSON {
    var members = json.members
    var entries = json["auths"]?.members ?? []
    if let place = entries.firstIndex(where: { $0.0 == key }) {
      if let entry { entries[place].1 = entry } else { entries.removeAll { $0.0 == key } }
    } else if let entry {
      entries.append((key, entry))
    }
    if let place = members.lastIndex(where: { $0.0 == "auths" }) {
      members[place].1 = .object(entries)
    } else {
      members.insert(("auths", .object(entries)), at: 0)
    }
    return .object(members)
  }
}
