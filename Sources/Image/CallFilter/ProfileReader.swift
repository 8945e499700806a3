internal import Model

extension CallProfile {
  /// Errors of rules that name none: EPERM.
  private static let usualError: UInt16 = 1

  /// Reads a profile and leaves out what does not hold on this host. What is left out is read all the same, so that a
  /// profile is right or wrong everywhere.
  public init(parsing text: [UInt8], for host: ProfileHost) throws(ProfileFault) {
    let json: JSON
    do throws(JSONFault) { json = try JSON(parsing: text) } catch {
      throw ProfileFault("it is no JSON: \(error.why) (byte \(error.offset))")
    }
    guard case .object = json else { throw ProfileFault("it is no JSON object") }
    guard let action = json["defaultAction"]?.text else { throw ProfileFault("it has no defaultAction") }
    otherwise = try Self.action(action, try Self.number(json, "defaultErrnoRet", of: "the profile"))
    flags = try Self.flags(try Self.texts(json, "flags", of: "the profile"))
    if let path = json["listenerPath"]?.text, !path.isEmpty {
      throw ProfileFault("it names a listener (listenerPath), which nobody is here")
    }
    architectures = try Self.architectures(json, host.architecture)
    for rule in try Self.values(json, "syscalls", of: "the profile") {
      if let rule = try Self.rule(rule, host) { rules.append(rule) }
    }
  }

  private static func rule(_ json: JSON, _ host: ProfileHost) throws(ProfileFault) -> Rule? {
    guard case .object = json else { throw ProfileFault("an entry of syscalls is no object") }
    var names = try texts(json, "names", of: "a rule")
    if let name = json["name"]?.text, !name.isEmpty { names.append(name) }
    guard let first = names.first else { throw ProfileFault("a rule names no system call") }
    let what = "the rule of \(printable(first))"
    guard let word = json["action"]?.text else { throw ProfileFault("\(what) has no action") }
    let action = try action(word, try number(json, "errnoRet", of: what))
    var conditions: [Condition] = []
    for argument in try values(json, "args", of: what) { conditions.append(try condition(argument, what)) }
    let isWanted = try holds(json["includes"] ?? .null, host, what)
    let isRefused = try excludes(json["excludes"] ?? .null, host, what)
    guard isWanted, !isRefused else { return nil }
    return Rule(names: names, action: action, conditions: conditions)
  }

  private static func condition(_ json: JSON, _ what: String) throws(ProfileFault) -> Condition {
    guard let argument = try number(json, "index", of: what), argument < 6 else {
      throw ProfileFault("\(what) has an argument whose index is none of 0 to 5")
    }
    guard let word = json["op"]?.text, let comparison = Comparison(rawValue: word) else {
      throw ProfileFault("\(what) compares by \(printable(json["op"]?.text ?? "nothing")), which is unknown")
    }
    return Condition(
      argument: UInt32(argument), comparison: comparison, value: try number(json, "value", of: what) ?? 0,
      second: try number(json, "valueTwo", of: what) ?? 0)
  }

  /// Docker's `includes`: all that is named must be there.
  private static func holds(_ json: JSON, _ host: ProfileHost, _ what: String) throws(ProfileFault) -> Bool {
    let architectures = try texts(json, "arches", of: what)
    let capabilities = try texts(json, "caps", of: what)
    var holds = architectures.isEmpty || architectures.contains(host.architecture.rawValue)
    if !capabilities.allSatisfy({ host.capabilities.contains($0.uppercased()) }) { holds = false }
    if let kernel = try kernel(json, what), host.kernel.lexicographicallyPrecedes(kernel) { holds = false }
    return holds
  }

  /// Docker's `excludes`: one that is named is enough.
  private static func excludes(_ json: JSON, _ host: ProfileHost, _ what: String) throws(ProfileFault) -> Bool
  {
    let architectures = try texts(json, "arches", of: what)
    let capabilities = try texts(json, "caps", of: what)
    if architectures.contains(host.architecture.rawValue) { return true }
    if capabilities.contains(where: { host.capabilities.contains($0.uppercased()) }) { return true }
    guard let kernel = try kernel(json, what) else { return false }
    return !host.kernel.lexicographicallyPrecedes(kernel)
  }

  private static func kernel(_ json: JSON, _ what: String) throws(ProfileFault) -> [Int]? {
    guard let text = json["minKernel"]?.text, !text.isEmpty else { return nil }
    let parts = text.fields(at: UInt8(ascii: "."))
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == parts.count, numbers.count >= 2 else {
      throw ProfileFault("\(what) wants the kernel \(printable(text)), which is no version")
    }
    return Array(numbers.prefix(2))
  }

  private static func action(_ word: String, _ number: UInt64?) throws(ProfileFault) -> Action {
    let code = number.flatMap { UInt16(exactly: $0) }
    if number != nil, code == nil { throw ProfileFault("an error of \(number ?? 0) is none") }
    switch word {
    case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return .killThread
    case "SCMP_ACT_KILL_PROCESS": return .killProcess
    case "SCMP_ACT_TRAP": return .trap
    case "SCMP_ACT_LOG": return .log
    case "SCMP_ACT_ALLOW": return .allow
    case "SCMP_ACT_ERRNO": return .error(code ?? usualError)
    case "SCMP_ACT_TRACE": return .trace(code ?? usualError)
    case "SCMP_ACT_NOTIFY":
      throw ProfileFault("the action SCMP_ACT_NOTIFY needs somebody to ask, and nobody is here")
    default: throw ProfileFault("the action \(printable(word)) is unknown")
    }
  }

  // linux/seccomp.h, SECCOMP_FILTER_FLAG_*: threads there are none yet.
  private static func flags(_ words: [String]) throws(ProfileFault) -> UInt32 {
    var flags: UInt32 = 0
    for word in words {
      switch word {
      case "SECCOMP_FILTER_FLAG_TSYNC", "": break
      case "SECCOMP_FILTER_FLAG_LOG": flags |= 2
      case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": flags |= 4
      default: throw ProfileFault("the flag \(printable(word)) is unknown")
      }
    }
    return flags
  }

  /// Those of `architectures`, and of Docker's `archMap` the entry for this machine.
  private static func architectures(_ json: JSON, _ native: Architecture) throws(ProfileFault) -> [String] {
    var names = try texts(json, "architectures", of: "the profile")
    for entry in try values(json, "archMap", of: "the profile") {
      guard let name = entry["architecture"]?.text else {
        throw ProfileFault("an entry of archMap has no architecture")
      }
      let others = try texts(entry, "subArchitectures", of: "archMap")
      if try libraryName(name) == native.libraryName { names += [name] + others }
    }
    var architectures: [String] = []
    for name in names {
      let known = try libraryName(name)
      if !architectures.contains(known) { architectures.append(known) }
    }
    return architectures
  }

  private static func libraryName(_ word: String) throws(ProfileFault) -> String {
    let prefix = "SCMP_ARCH_"
    guard word.starts(withBytesOf: prefix), word.utf8.count > prefix.utf8.count else {
      throw ProfileFault("the architecture \(printable(word)) is unknown")
    }
    return word.dropFirst(prefix.count).lowercased()
  }

  private static func values(_ json: JSON, _ name: String, of what: String) throws(ProfileFault) -> [JSON] {
    switch json[name] {
    case .array(let values): return values
    case nil, .null: return []
    default: throw ProfileFault("\(name) of \(what) is no list")
    }
  }

  private static func texts(_ json: JSON, _ name: String, of what: String) throws(ProfileFault) -> [String] {
    let values = try values(json, name, of: what)
    let texts = values.compactMap(\.text)
    guard texts.count == values.count else { throw ProfileFault("\(name) of \(what) holds what is no text") }
    return texts
  }

  private static func number(_ json: JSON, _ name: String, of what: String) throws(ProfileFault) -> UInt64? {
    switch json[name] {
    case nil, .null: return nil
    case .integer(let number) where number >= 0: return UInt64(number)
    // Beyond the integers of the reader: all bits, which profiles write out.
    case .number(let number) where number >= 0 && number <= 0x1p64 && number.rounded() == number:
      return number == 0x1p64 ? .max : UInt64(number)
    default: throw ProfileFault("\(name) of \(what) is no number")
    }
  }
}

extension Architecture {
  /// As libseccomp calls it.
  var libraryName: String {
    switch self {
    case .i386: "x86"
    case .amd64: "x86_64"
    case .arm64: "aarch64"
    case .mipsle: "mipsel"
    case .mips64le: "mipsel64"
    case .loong64: "loongarch64"
    default: rawValue
    }
  }
}
