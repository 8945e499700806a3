internal import Model

/// The words of the program.
struct CommandPlan: Equatable, Sendable {
  var arguments: [String]
  var notices: [Notice] = []
}

/// Plans what is executed for an action.
func planCommand(_ request: LaunchRequest, image: ImageFacts, environment: [String]) -> CommandPlan {
  switch request.action {
  case .exec: return CommandPlan(arguments: request.arguments)
  case .shell: return planShell(request, image)
  case .test:
    guard image.programs.contains("/.singularity.d/test") else {
      return CommandPlan(arguments: [], notices: [Notice(.info, "the image has no test")])
    }
    return CommandPlan(arguments: ["/.singularity.d/test"] + request.arguments)
  case .run: return planRun(request, image, environment)
  }
}

private func planShell(_ request: LaunchRequest, _ image: ImageFacts) -> CommandPlan {
  if let asked = request.shellPath, image.programs.contains(asked) { return CommandPlan(arguments: [asked]) }
  if image.programs.contains("/bin/bash") { return CommandPlan(arguments: ["/bin/bash", "--norc"]) }
  return CommandPlan(arguments: ["/bin/sh"])
}

private func planRun(_ request: LaunchRequest, _ image: ImageFacts, _ environment: [String]) -> CommandPlan {
  guard let script = image.runScript else {
    if image.programs.contains("/singularity") { return CommandPlan(arguments: ["/singularity"] + request.arguments) }
    return CommandPlan(
      arguments: ["/bin/sh"] + request.arguments,
      notices: [Notice(.info, "the image has no run script: starting /bin/sh")])
  }
  if let process = OCIRunScript(script),
    let arguments = process.arguments(request.arguments, literal: request.noEvaluation, environment: environment)
  {
    if arguments.isEmpty {
      return CommandPlan(
        arguments: ["/bin/sh"],
        notices: [Notice(.info, "the image names no program to run: starting /bin/sh")])
    }
    return CommandPlan(arguments: arguments)
  }
  let path = "/.singularity.d/runscript"
  return CommandPlan(arguments: (image.runScriptIsExecutable ? [path] : ["/bin/sh", path]) + request.arguments)
}

/// The run script that conversion from OCI images writes: it says the entry point and the command in two assignments,
/// so it can be followed without a shell.
struct OCIRunScript: Equatable, Sendable {
  let entryPoint: [String]
  let command: [String]

  /// nil: the script is something else.
  init?(_ script: String) {
    var shell = ShellSubset([])
    var found: [String: [String]] = [:]
    for line in script.split(separator: "\n") {
      for name in ["OCI_ENTRYPOINT", "OCI_CMD"] where line.hasPrefix(name + "=") && found[name] == nil {
        guard (try? shell.run(String(line))) != nil, let value = shell[name], let words = Self.words(value) else { return nil }
        found[name] = words
      }
    }
    guard let entryPoint = found["OCI_ENTRYPOINT"], let command = found["OCI_CMD"] else { return nil }
    self.entryPoint = entryPoint
    self.command = command
  }

  /// The words of a list, each in double quotes with its special characters escaped.
  private static func words(_ text: String) -> [String]? {
    var words: [String] = []
    var shell = ShellSubset([])
    var left = text[...]
    while true {
      left = left.drop { $0 == " " }
      guard !left.isEmpty else { return words }
      guard left.first == "\"" else { return nil }
      var end = left.index(after: left.startIndex)
      while end < left.endIndex, left[end] != "\"" {
        if left[end] == "\\" { end = left.index(after: end) }
        guard end < left.endIndex else { return nil }
        end = left.index(after: end)
      }
      guard end < left.endIndex, (try? shell.run("W=" + left[...end])) != nil, let word = shell["W"] else { return nil }
      words.append(word)
      left = left[left.index(after: end)...]
    }
  }

  /// Entry point + arguments, or + command where there are none; the arguments alone where there is no entry point.
  /// By default variables in the user's arguments are expanded in the container; nil where that needs a shell.
  func arguments(_ given: [String], literal: Bool, environment: [String]) -> [String]? {
    var arguments = given
    if !literal {
      let pairs = environment.compactMap { entry -> (name: String, value: String)? in
        guard let equals = entry.firstIndex(of: "="), ShellSubset.isName(entry[..<equals]) else { return nil }
        return (String(entry[..<equals]), String(entry[entry.index(after: equals)...]))
      }
      let shell = ShellSubset(pairs)
      arguments = []
      for argument in given {
        // Double quotes in an argument would end the word in the script's own evaluation.
        guard !argument.contains("\""), let expanded = try? shell.expand(argument) else { return nil }
        arguments.append(expanded)
      }
    }
    return entryPoint + (arguments.isEmpty ? command : arguments)
  }
}
