internal import Model
internal import Reference

/// A file in the form of netrc(5), in which Enroot keeps credentials (`enroot import`, "Credentials"). Enroot
/// lets its shell replace `$NAME` there; here a `$` is a `$`, since user names of some registries begin with
/// one.
struct NetrcFile {
  private var entries: [(machine: String, user: String, password: String)] = []

  init(parsing text: String) {
    var machine: String?
    var user: String?
    var password: String?
    func finish(_ entries: inout [(machine: String, user: String, password: String)]) {
      if let machine, let user, let password { entries.append((machine, user, password)) }
    }
    var expected: String?
    var isInMacro = false
    for line in text.fields(at: 0x0A) {
      let words = Self.words(line)
      if words.isEmpty { isInMacro = false }
      if isInMacro { continue }
      for word in words {
        switch expected {
        case "machine":
          finish(&entries)
          (machine, user, password) = (word, nil, nil)
          expected = nil
        case "login":
          user = word
          expected = nil
        case "password":
          password = word
          expected = nil
        case "account": expected = nil
        default:
          switch word {
          case "machine", "login", "password", "account": expected = word
          case "default":
            // It would give a word to any server that asks.
            finish(&entries)
            (machine, user, password) = (nil, nil, nil)
          case "macdef": isInMacro = true
          default: break
          }
        }
        if isInMacro { break }
      }
    }
    finish(&entries)
  }

  /// The first entry of the registry: with its port, else without. Docker Hub's has the name of its token
  /// server.
  func credential(for registry: RegistryName) -> Credential? {
    var names = registry.registry == "docker.io" ? ["auth.docker.io"] + registry.keys : registry.keys
    let host = registry.registry
    if host.utf8.first != UInt8(ascii: "["), let colon = host.utf8.lastIndex(of: UInt8(ascii: ":")) {
      names.append(String(host[..<colon]))
    }
    for name in names {
      if let entry = entries.first(where: { $0.machine == name }) {
        return .basic(user: entry.user, password: entry.password)
      }
    }
    return nil
  }

  /// Words between blanks; a word in double quotes may hold blanks, and `\` keeps the next character
  /// (curl(1), `--netrc`). A line that begins with `#` is a comment.
  private static func words(_ line: Substring) -> [String] {
    var words: [String] = []
    var word: [UInt8]?
    var isQuoted = false
    var isEscaped = false
    for byte in line.utf8 {
      if isEscaped {
        word?.append(byte)
        isEscaped = false
      } else if isQuoted {
        if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isQuoted = false
        } else {
          word?.append(byte)
        }
      } else if [0x20, 0x09, 0x0D].contains(byte) {
        if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
        word = nil
      } else if word == nil {
        if byte == UInt8(ascii: "#"), words.isEmpty { return [] }
        isQuoted = byte == UInt8(ascii: "\"")
        word = isQuoted ? [] : [byte]
      } else {
        word?.append(byte)
      }
    }
    if let word { words.append(String(decoding: word, as: UTF8.self)) }
    return words
  }
}
