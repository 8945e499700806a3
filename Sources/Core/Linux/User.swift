internal import Glibc
internal import Model

/// The calling user as the host knows them. A static program must not use getpwuid (glibc would load its modules).
public struct User: Equatable, Sendable {
  public let uid: UInt32
  public let gid: UInt32
  /// Supplementary groups.
  public let groups: [UInt32]
  /// From the user database; nil for a uid with no entry.
  public let entry: PasswordEntry?

  public init(uid: UInt32, gid: UInt32, groups: [UInt32], entry: PasswordEntry?) {
    self.uid = uid
    self.gid = gid
    self.groups = groups
    self.entry = entry
  }
}

/// One line of passwd(5).
public struct PasswordEntry: Equatable, Sendable {
  public let name: String
  public let uid: UInt32
  public let gid: UInt32
  public let comment: String
  public let home: String
  public let shell: String

  public init(name: String, uid: UInt32, gid: UInt32, comment: String, home: String, shell: String) {
    self.name = name
    self.uid = uid
    self.gid = gid
    self.comment = comment
    self.home = home
    self.shell = shell
  }

  public init?(line: Substring) {
    let fields = line.fields(at: UInt8(ascii: ":"))
    guard fields.count >= 7, !fields[0].isEmpty, let uid = UInt32(fields[2]), let gid = UInt32(fields[3])
    else {
      return nil
    }
    self.init(
      name: String(fields[0]), uid: uid, gid: gid, comment: String(fields[4]), home: String(fields[5]),
      shell: String(fields[6]))
  }

  public var line: String { "\(name):x:\(uid):\(gid):\(comment):\(home):\(shell)" }

  /// The first entry for `uid` in the text of a passwd file.
  public static func find(uid: UInt32, in text: String) -> PasswordEntry? {
    let number = Array("\(uid)".utf8)
    var line = text.utf8.startIndex
    while line < text.utf8.endIndex {
      let end = text.utf8[line...].firstIndex(of: 0x0A) ?? text.utf8.endIndex
      // Only a line whose third field is the number is taken apart.
      var rest = text.utf8[line..<end]
      for _ in 0..<2 {
        guard let colon = rest.firstIndex(of: UInt8(ascii: ":")) else { break }
        rest = rest[rest.index(after: colon)...]
      }
      if rest.starts(with: number), let entry = PasswordEntry(line: text[line..<end]), entry.uid == uid {
        return entry
      }
      line = end < text.utf8.endIndex ? text.utf8.index(after: end) : end
    }
    return nil
  }
}
