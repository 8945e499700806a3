internal import Model
internal import Settings

/// The words of the program.
struct CommandPlan: Equatable, Sendable {
  var arguments: [String]
  var notices: [Notice] = []
}

/// What an instance runs (`%startscript` of a definition).
let startScript = "/.singularity.d/startscript"

/// Plans what is executed for an action. `environment` is what the program will see; nil: a shell has yet to make it.
func planCommand(_ request: LaunchRequest, image: ImageFacts, environment: [String]?) -> CommandPlan {
  switch request.action {
  case .exec: return CommandPlan(arguments: request.arguments)
  case .shell: return CommandPlan(arguments: planShell(request, image))
  case .test:
    let test = request.app.map(ImageApp.test) ?? "/.singularity.d/test"
    guard image.programs.contains(test) else {
      return CommandPlan(arguments: [], notices: [Notice(.info, "the image has no test")])
    }
    return CommandPlan(arguments: [test] + request.arguments)
  case .start:
    // Without a start script nothing is run: an instance is there to be entered.
    let script = request.app.map(ImageApp.startScript) ?? startScript
    guard image.programs.contains(script) else { return CommandPlan(arguments: []) }
    return CommandPlan(arguments: [script] + request.arguments)
  case .run:
    if let app = request.app { return CommandPlan(arguments: [ImageApp.runScript(app)] + request.arguments) }
    return planRun(request, image, environment)
  }
}

/// The shell that was asked for where the image has it; else bash, without start files that would change the prompt.
func planShell(_ request: LaunchRequest, _ image: ImageFacts) -> [String] {
  if let asked = request.shellPath, image.programs.contains(asked) { return [asked] }
  if image.programs.contains("/bin/bash") { return ["/bin/bash", "--norc"] }
  return ["/bin/sh"]
}

private func planRun(_ request: LaunchRequest, _ image: ImageFacts, _ environment: [String]?) -> CommandPlan {
  guard let script = image.runScript else {
    if image.programs.contains("/singularity") {
      return CommandPlan(arguments: ["/singularity"] + request.arguments)
    }
    return CommandPlan(
      arguments: ["/bin/sh"] + request.arguments,
      notices: [Notice(.info, "the image has no run script: starting /bin/sh")])
  }
  let path = "/.singularity.d/runscript"
  let asScript = CommandPlan(
    arguments: (image.runScriptIsExecutable ? [path] : ["/bin/sh", path]) + request.arguments)
  guard let process = OCIRunScript(script) else { return asScript }
  if process.isEmpty, request.arguments.isEmpty {
    return CommandPlan(
      arguments: ["/bin/sh"], notices: [Notice(.info, "the image names no program to run: starting /bin/sh")])
  }
  if request.noEvaluation { return CommandPlan(arguments: process.arguments(request.arguments)) }
  if let given = expanded(request.arguments, environment) {
    return CommandPlan(arguments: process.arguments(given))
  }
  if image.programs.contains("/bin/sh") { return asScript }
  return CommandPlan(
    arguments: process.arguments(request.arguments),
    notices: [Notice(.warning, "arguments are taken literally: the image has no /bin/sh to evaluate them")])
}

/// The user's arguments, each evaluated as between double quotes; nil where that needs a shell.
private func expanded(_ arguments: [String], _ environment: [String]?) -> [String]? {
  let special = "$`\\\"".utf8
  if arguments.allSatisfy({ !$0.utf8.contains(where: special.contains) }) { return arguments }
  guard let environment else { return nil }
  let shell = ShellSubset(Variables(environment).pairs)
  var given: [String] = []
  for argument in arguments {
    // A double quote ends the word in the script's own evaluation.
    guard !argument.contains("\""), let value = try? shell.expand(argument) else { return nil }
    given.append(value)
  }
  return given
}
