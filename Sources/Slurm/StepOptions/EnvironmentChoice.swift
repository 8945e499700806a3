internal import Model
internal import Settings

/// The words of `--container-env`: `NAME`, `NAME=VALUE`, `ALL`, `NONE`, separated by commas.
public struct EnvironmentChoice: Equatable, Sendable {
  /// Which of the host's variables go in.
  public enum Base: Equatable, Sendable {
    /// All of them; the image's value counts where both have one.
    case usual
    /// All of them, and theirs is the value that counts.
    case all
    /// None but those named.
    case none
  }

  public var base = Base.usual
  /// Variables whose value is the host's, whatever the image says.
  public var kept: [String] = []
  /// Variables with the value they are to have.
  public var assigned: [(name: String, value: String)] = []

  public init() {}

  public static func == (left: EnvironmentChoice, right: EnvironmentChoice) -> Bool {
    left.base == right.base && left.kept == right.kept && left.assigned.elementsEqual(right.assigned, by: ==)
  }

  mutating func add(_ word: OptionWord, _ notices: inout [Notice]) throws(StepFault) {
    for field in word.value.fields(at: UInt8(ascii: ",")) {
      let field = String(field)
      switch field {
      case "ALL", "NONE":
        let wanted = field == "ALL" ? Base.all : .none
        guard base == .usual || base == wanted else {
          throw .value(
            origin: word.origin, value: word.value, why: "ALL and NONE say opposite things",
            remedy: "leave one of them")
        }
        base = wanted
      default: try add(field, word, &notices)
      }
    }
  }

  private mutating func add(_ field: String, _ word: OptionWord, _ notices: inout [Notice])
    throws(StepFault)
  {
    let equals = field.utf8.firstIndex(of: UInt8(ascii: "="))
    let name = String(field[..<(equals ?? field.endIndex)])
    guard Self.isName(name) else {
      throw .value(
        origin: word.origin, value: word.value, why: "\"\(shown(name))\" is no name of a variable",
        remedy: "write NAME,NAME=VALUE,…, ALL or NONE")
    }
    guard name != "HOME" else {
      notices.append(
        Notice(
          .warning, "not setting HOME (\(word.origin)): it is where the container shows the home directory"))
      return
    }
    if let equals {
      assigned.removeAll { $0.name == name }
      assigned.append((name, String(field[field.utf8.index(after: equals)...])))
    } else if !kept.contains(name) {
      kept.append(name)
    }
  }

  /// A name as shells and POSIX have them.
  static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return text.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == UInt8(ascii: "_")
    }
  }
}
