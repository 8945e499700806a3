internal import Model

/// The variables inside, as the steps of the pipeline change them one after another.
struct ImageEnvironment {
  /// After this script the injected variables are set. Its own meaning, and that of the other standard scripts, is
  /// built in: they are the same in every image.
  static let baseScript = "99-base.sh"
  /// The only one of images older than /.singularity.d.
  static let oldScript = "/environment"
  static let standardDirectories = defaultPath.fields(at: UInt8(ascii: ":")).map(String.init)

  /// Variables that no script changes.
  let fixed: [(name: String, value: String)]
  let home: String
  /// What is handed on of the host's.
  let host: [HostVariable]
  private var shell: ShellSubset
  private var pathOptions: Lookup<String> = [:]
  private(set) var needsShell = false
  /// Values of the variables that steps have set so far, and the last step to change each; nil: nobody asks.
  private var origins: Lookup<(value: String, step: String)>?

  init(
    fixed: [(name: String, value: String)], home: String, host: [HostVariable], isTraced: Bool = false
  ) {
    if isTraced { origins = [:] }
    self.fixed = fixed
    self.home = home
    self.host = host
    shell = ShellSubset(fixed + [("HOME", home), ("PATH", defaultPath)])
    attribute(to: Self.defaultSource)
  }

  /// Puts down what has changed since the last call to a step of the pipeline.
  mutating func attribute(to step: @autoclosure () -> String) {
    guard origins != nil else { return }
    for (name, value) in shell.exportedVariables where origins?[name]?.value != value {
      origins?[name] = (value, step())
    }
  }

  static let defaultSource = "the default"
  static let hostSource = "the host"

  /// Where each variable of `result` got its value.
  var sources: Lookup<String> {
    var sources: Lookup<String> = [:]
    func put(_ name: String, _ source: String) {
      if sources[name] == nil { sources[name] = source }
    }
    for (name, _) in fixed where name != "SHELL" && name != "USER_PATH" {
      put(name, "what the container is told of itself")
    }
    put("SHELL", fixed.contains { $0.name == "SHELL" } ? "the shell that is started" : Self.hostSource)
    put("USER_PATH", "the host's PATH")
    if origins?["HOME"]?.step == Self.defaultSource { put("HOME", "the home directory inside") }
    for (name, _) in shell.exportedVariables { put(name, origins?[name]?.step ?? Self.defaultSource) }
    for variable in host { put(variable.name, Self.hostSource) }
    for name in ["PS1", "PROMPT_COMMAND"] { put(name, "the prompt of shells inside") }
    return sources
  }

  /// What a script of the image does. One that needs a shell is left to it.
  mutating func run(_ script: (name: String, text: String)) {
    if script.name.hasPrefix("90-"), shell["PATH"]?.isEmpty ?? true {
      shell.set("PATH", defaultPath, export: true)
    }
    do throws(ShellSubset.Stop) { try shell.run(script.text) } catch { needsShell = true }
    if script.name.hasPrefix("10-docker") {
      let path = shell["PATH"] ?? ""
      let present = path.fields(at: UInt8(ascii: ":"))
      let lacking = Self.standardDirectories.filter { !present.contains($0[...]) }
      shell.set("PATH", ((path.isEmpty ? [] : [path]) + lacking).connected(by: ":"), export: true)
    }
  }

  /// The directory that libraries of the host are bound into comes last. `emptyStays`: an empty value is a decision.
  mutating func appendBoundLibraries(emptyStays: Bool = false) {
    let value = shell["LD_LIBRARY_PATH"] ?? ""
    if emptyStays && value.isEmpty || value.fields(at: UInt8(ascii: ":")).contains(boundLibraries[...]) {
      shell.set("LD_LIBRARY_PATH", value, export: true)
    } else {
      shell.set(
        "LD_LIBRARY_PATH", value.isEmpty ? boundLibraries : value + ":" + boundLibraries, export: true)
    }
  }

  /// Sets what the user injected. By default the value is evaluated once, seeing what was set before it.
  mutating func inject(_ variable: InjectedVariables.Variable, literally: Bool, _ notices: inout [Notice]) {
    var value = variable.value
    if !literally, !variable.isLiteral {
      do throws(ShellSubset.Stop) { value = try shell.expand(variable.value) } catch {
        guard ShellStub.evaluated(variable.value) != nil else {
          notices.append(
            Notice(
              .warning,
              "not setting \(variable.name) (\(printable(variable.source))): its value is no complete shell expression"
                + "; --no-eval takes it literally"))
          return
        }
        // Where the image has no shell it is left out: nothing in it was meant literally.
        needsShell = true
        return
      }
    }
    if InjectedVariables.pathNames.contains(variable.name) {
      pathOptions[variable.name] = value
    } else {
      shell.set(variable.name, value, export: true)
      if variable.name == "LD_LIBRARY_PATH" { appendBoundLibraries(emptyStays: true) }
    }
  }

  /// PREPEND_PATH and its kin. A PATH of the user's replaces everything.
  mutating func applyPathOptions() {
    for name in ["PATH", "LD_LIBRARY_PATH"] {
      var path = shell[name] ?? ""
      if let before = pathOptions["PREPEND_" + name], !before.isEmpty {
        path = path.isEmpty ? before : before + ":" + path
      }
      if let after = pathOptions["APPEND_" + name], !after.isEmpty {
        path = path.isEmpty ? after : path + ":" + after
      }
      if let whole = pathOptions[name], !whole.isEmpty { path = whole }
      shell.set(name, path, export: true)
    }
    if shell["PATH"]?.isEmpty ?? true { shell.set("PATH", defaultPath, export: true) }
  }

  /// The whole environment, each name once: what tells the container about itself, what image and user set, and the
  /// host's variables where nothing else has the name.
  var result: [String] {
    var result: [String] = []
    var seen = NameSet()
    func put(_ name: String, _ value: String) {
      if seen.insert(name) { result.append(name + "=" + value) }
    }
    for (name, value) in fixed { put(name, value) }
    for (name, value) in shell.exportedVariables { put(name, value) }
    put("HOME", home)
    for variable in host where seen.insert(variable.name) { result.append(variable.entry) }
    let prompt = shell["PS1"] ?? Self.prompt
    put("PS1", prompt)
    // bash reads its start files after this environment, and they set a prompt of their own: ours is put in place
    // before the first is shown.
    put("PROMPT_COMMAND", "PS1=\"\(prompt)\"; unset PROMPT_COMMAND")
    return result
  }

  static let prompt = "Apus> "
}

/// Names met so far. Sums are compared first: comparing each new name with all before it is half of planning otherwise.
private struct NameSet {
  private var names: [(sum: UInt32, name: String)] = []

  /// Whether the name is new.
  mutating func insert(_ name: String) -> Bool {
    var sum: UInt32 = 0
    for byte in name.utf8 { sum = sum &* 31 &+ UInt32(byte) }
    if names.contains(where: { $0.sum == sum && $0.name == name }) { return false }
    names.append((sum, name))
    return true
  }
}
