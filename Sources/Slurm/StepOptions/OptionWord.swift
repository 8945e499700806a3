internal import Model
internal import Settings

/// A word that was given, and where.
struct OptionWord: Equatable, Sendable {
  /// `--container-image`, or the name of a variable.
  let origin: String
  let value: String

  /// The value as a path: without what no name of a file should hold.
  func asPath() throws(StepFault) -> String {
    guard !holdsControlCharacters(value), value.utf8.count < 4096 else {
      throw .value(
        origin: origin, value: value, why: "that is no path (control characters, or longer than 4095 bytes)",
        remedy: "name another")
    }
    return value
  }
}

/// The options of a job step, by their names without dashes.
enum StepOption: String, CaseIterable {
  case image = "container-image"
  /// Slurm's own option.
  case container
  case mounts = "container-mounts"
  case workdir = "container-workdir"
  case name = "container-name"
  case save = "container-save"
  case mountHome = "container-mount-home"
  case noMountHome = "no-container-mount-home"
  case remapRoot = "container-remap-root"
  case noRemapRoot = "no-container-remap-root"
  case entrypoint = "container-entrypoint"
  case noEntrypoint = "no-container-entrypoint"
  case entrypointLog = "container-entrypoint-log"
  case writable = "container-writable"
  case readonly = "container-readonly"
  case environment = "container-env"
  case unshare = "container-unshare"
  case stage = "container-stage"
  case slurm = "container-slurm"
  case verify = "container-verify"
  case nv = "container-nv"
  case rocm = "container-rocm"
  case gpu = "container-gpu"
  case mpi = "container-mpi"

  var isFlag: Bool {
    switch self {
    case .mountHome, .noMountHome, .remapRoot, .noRemapRoot, .entrypoint, .noEntrypoint, .entrypointLog,
      .writable, .readonly, .slurm, .nv, .rocm:
      true
    default: false
    }
  }

  /// Whether several of them add up.
  var isList: Bool { [.mounts, .environment, .unshare].contains(self) }

  /// Options whose work has yet to be written: better no step than one that runs without.
  var isMissing: Bool { [.nv, .rocm, .gpu, .mpi].contains(self) }

  /// The end of the name of the variable that stands for the option; nil: none does.
  var variable: String? {
    switch self {
    // Inside a container APUS_CONTAINER is the image's path.
    case .container, .noMountHome, .noRemapRoot, .noEntrypoint: nil
    default: Self.variableName(rawValue)
    }
  }

  private static func variableName(_ option: String) -> String {
    var name = ""
    for byte in option.utf8.dropFirst("container-".utf8.count) {
      let upper =
        byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : (0x61...0x7A).contains(byte) ? byte - 32 : byte
      name.unicodeScalars.append(Unicode.Scalar(upper))
    }
    return name
  }
}

/// What was given of each option: on the command line, else by `APUS_CONTAINER_X`, else by `PYXIS_CONTAINER_X`.
struct GivenOptions {
  static let prefixes = ["APUS_CONTAINER_", "PYXIS_CONTAINER_"]

  private var words: Lookup<[OptionWord]> = [:]
  private let variables: Variables
  /// Whether anything asks for a container. Variables that lie about in a session say nothing without one.
  private let isWanted: Bool
  private(set) var notices: [Notice] = []

  init(_ given: [(name: String, value: String)], _ variables: Variables) throws(StepFault) {
    self.variables = variables
    for (name, value) in given {
      guard let option = StepOption(rawValue: name) else { throw .optionUnknown(name: name) }
      let word = OptionWord(origin: "--" + name, value: value)
      if option.isMissing { throw .notInThisVersion(origin: word.origin) }
      if !option.isFlag, value.isEmpty { throw .valueMissing(origin: word.origin) }
      var all = words[name] ?? []
      // Slurm hands the same word over more than once.
      if !all.contains(word) { all.append(word) }
      words[name] = all
    }
    let naming: [StepOption] = [.image, .container, .name]
    isWanted =
      naming.contains { [words] in words[$0.rawValue] != nil }
      || Self.prefixes.contains { prefix in
        ["IMAGE", "NAME"].contains { !(variables[prefix + $0] ?? "").isEmpty }
      }
    guard isWanted else { return }
    for option in StepOption.allCases where option.isMissing {
      if let word = variable(of: option), Self.boolean(word.value) != false {
        throw .notInThisVersion(origin: word.origin)
      }
    }
    notices += Self.flags.flatMap { [self] option in unreadable(option) }
  }

  private static let flags = StepOption.allCases.filter { $0.isFlag && !$0.isMissing && $0.variable != nil }

  private func variable(of option: StepOption) -> OptionWord? {
    guard isWanted, let name = option.variable else { return nil }
    for prefix in Self.prefixes {
      if let value = variables[prefix + name], !value.isEmpty {
        return OptionWord(origin: prefix + name, value: value)
      }
    }
    return nil
  }

  /// The words of an option that adds up.
  func all(_ option: StepOption) -> [OptionWord] {
    if let given = words[option.rawValue] { return given }
    return variable(of: option).map { [$0] } ?? []
  }

  /// The word of an option that can be given once.
  func value(_ option: StepOption) throws(StepFault) -> OptionWord? {
    let given = all(option)
    if given.count > 1 {
      throw .repeated(origin: given[0].origin, first: given[0].value, second: given[1].value)
    }
    return given.first
  }

  /// The image of `--container-image`, else of Slurm's own `--container`, else of a variable.
  func image() throws(StepFault) -> OptionWord? {
    let native = words[StepOption.container.rawValue] == nil ? nil : try value(.container)
    guard let native else { return try value(.image) }
    guard words[StepOption.image.rawValue] != nil, let named = try value(.image) else { return native }
    throw .contradiction(named.origin, native.origin)
  }

  /// Whether a flag is on; nil: nothing was said. `opposite` is the flag that switches it off.
  func flag(_ option: StepOption, against opposite: StepOption? = nil) throws(StepFault) -> Bool? {
    let isOn = words[option.rawValue] != nil
    let isOff = opposite.map { words[$0.rawValue] != nil } ?? false
    if isOn, isOff, let opposite { throw .contradiction("--" + option.rawValue, "--" + opposite.rawValue) }
    if isOn || isOff { return isOn }
    guard isWanted else { return nil }
    for prefix in Self.prefixes {
      if let name = option.variable, let value = variables[prefix + name].flatMap(Self.boolean) {
        return value
      }
      if let name = opposite?.variable, let value = variables[prefix + name].flatMap(Self.boolean) {
        return !value
      }
    }
    return nil
  }

  private func unreadable(_ option: StepOption) -> [Notice] {
    guard let name = option.variable else { return [] }
    return Self.prefixes.compactMap { prefix in
      guard let value = variables[prefix + name], !value.isEmpty, Self.boolean(value) == nil else {
        return nil
      }
      return Notice(.warning, "ignoring \(prefix + name)=\(shown(value)): it is neither yes nor no")
    }
  }

  /// What is said of options that mean nothing without a container.
  var ignored: [Notice] {
    StepOption.allCases.compactMap { option in
      guard words[option.rawValue] != nil else { return nil }
      return Notice(
        .warning,
        "ignoring --\(option.rawValue): neither --container-image nor --container-name names a container")
    }
  }

  static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "1", "true", "yes", "y", "on": true
    case "0", "false", "no", "n", "off": false
    default: nil
    }
  }
}
