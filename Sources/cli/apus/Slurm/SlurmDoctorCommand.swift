internal import CommandLine
internal import Doctor
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus slurm doctor`: what the hosts of the cluster have for job steps in containers, and what they lack.
func runSlurmDoctor(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  let isLocal = parsed.isOn("local")
  let here = SlurmReport.Host(
    name: hostName(),
    checks: Check.diagnose(
      SlurmNodeSurvey.facts(
        variables, configuration: parsed.value("slurm-conf"),
        expected: parsed.value("expect") ?? Installation.version, isSubmitHost: !isLocal)))
  var report = SlurmReport(hosts: [here])
  if !isLocal { report.ask(parsed.value("nodes"), configuration: parsed.value("slurm-conf"), variables) }
  if parsed.isOn("json") {
    // One line where another doctor reads it.
    let isAsked = parsed.value("expect") != nil
    output.result(report.json.text(indented: !isAsked) + "\n")
  } else {
    output.result(report.text(hasTable: !isLocal))
  }
  return report.isFailing ? 1 : 0
}

/// What is said of all hosts.
struct SlurmReport {
  struct Host {
    let name: String
    let checks: [Check]

    var isFailing: Bool { checks.contains { $0.state == .failing } }
  }

  var hosts: [Host]
  /// Why nodes were not asked.
  var fault: (what: String, remedy: String)?

  var isFailing: Bool { fault != nil || hosts.contains(where: \.isFailing) }

  mutating func ask(_ list: String?, configuration: String?, _ variables: Variables) {
    var environment = NodeQuestions.environment(variables)
    if let configuration {
      environment.removeAll { $0.starts(withBytesOf: "SLURM_CONF=") }
      environment.append(
        "SLURM_CONF=" + ContainerPath.normalized(configuration, from: File.workingDirectory))
    }
    guard let srun = SlurmPrograms.find("srun", variables), let sinfo = SlurmPrograms.find("sinfo", variables)
    else {
      fault = ("there is no srun or sinfo on this host", "ask from a host where jobs are submitted")
      return
    }
    // A required plugin that cannot be loaded here ends every srun before it reaches a node.
    let isRequired = hosts[0].checks.contains { $0.name == "plugstack line" && $0.state != .missing }
    if isRequired, let broken = hosts[0].checks.first(where: { $0.name == "plugin" && $0.state == .failing })
    {
      fault = (
        "srun cannot start on this host while its plugin is broken",
        "mend this host first (\(broken.remedy)), or ask on each node: apus slurm doctor --local"
      )
      return
    }
    let (nodes, said) = NodeQuestions.nodes(
      list ?? (variables["SLURM_JOB_ID"] == nil ? nil : variables["SLURM_JOB_NODELIST"]), sinfo: sinfo,
      environment: environment)
    guard !nodes.isEmpty else {
      fault = (
        said ?? "Slurm knows no such node", "see whether sinfo works here: slurmctld must be reachable"
      )
      return
    }
    let answers = NodeQuestions(srun: srun, environment: environment).ask(
      nodes.filter(\.isUsable), isInJob: variables["SLURM_JOB_ID"] != nil,
      [Installation.program, "slurm", "doctor", "--local", "--json", "--expect", Installation.version])
    for node in nodes { hosts.append(Self.host(node, answers[node.name])) }
  }

  private static func host(_ node: SlurmNode, _ answer: NodeQuestions.Answer?) -> Host {
    guard let answer else {
      return Host(
        name: node.name,
        checks: [
          .unanswered(
            found: "Slurm says it is \(node.state)" + (node.reason == "none" ? "" : ": \(node.reason)"),
            remedy: "on the node, apus slurm doctor --local; when it is mended, "
              + "scontrol update nodename=\(node.name) state=resume")
        ])
    }
    if let checks = checks(answer.out) { return Host(name: node.name, checks: checks) }
    return Host(
      name: node.name,
      checks: [
        .unanswered(
          found: NodeQuestions.cause(answer.err) ?? "a step there ended with \(answer.code) and said nothing",
          remedy: "where the plugin is missing, or made for another Slurm, no step starts: on the node, "
            + "apus slurm doctor --local, and as root apus slurm install; if Slurm has drained it meanwhile, "
            + "scontrol update nodename=\(node.name) state=resume")
      ])
  }

  private static func checks(_ bytes: [UInt8]) -> [Check]? {
    guard let json = try? JSON(parsing: bytes), case .array(let hosts)? = json["hosts"],
      case .array(let checks)? = hosts.first?["checks"]
    else { return nil }
    let read = checks.compactMap { item -> Check? in
      guard let name = item["name"]?.text,
        let state = item["state"]?.text.flatMap({ Check.State(rawValue: $0) })
      else { return nil }
      return Check(
        name, state, item["found"]?.text ?? "", cost: item["cost"]?.text ?? "",
        remedy: item["remedy"]?.text ?? "")
    }
    return read.isEmpty ? nil : read
  }

  var json: JSON {
    var members: [(String, JSON)] = [("canRunSteps", .bool(!isFailing))]
    if let fault {
      members.append(("fault", .object([("found", .string(fault.what)), ("remedy", .string(fault.remedy))])))
    }
    members.append(
      (
        "hosts",
        .array(
          hosts.map { host in
            .object([
              ("name", .string(host.name)), ("canRunSteps", .bool(!host.isFailing)),
              (
                "checks",
                .array(
                  host.checks.map { check in
                    .object([
                      ("name", .string(check.name)), ("state", .string(check.state.rawValue)),
                      ("found", .string(check.found)), ("cost", .string(check.cost)),
                      ("remedy", .string(check.remedy)),
                    ])
                  })
              ),
            ])
          })
      ))
    return .object(members)
  }

  func text(hasTable: Bool) -> String {
    var text = hasTable ? table : ""
    for host in hosts {
      for check in host.checks where !hasTable || check.state != .good {
        let mark = Self.padded(check.state.rawValue, 9)
        let place = hasTable ? printable(host.name) + ": " : ""
        text += "\(mark)\(place)\(check.name): \(printable(check.found))\n"
        if !check.cost.isEmpty { text += "         costs: \(printable(check.cost))\n" }
        if !check.remedy.isEmpty { text += "         remedy: \(printable(check.remedy))\n" }
      }
    }
    if let fault {
      text +=
        "FAILING  nodes: not asked: \(printable(fault.what))\n         remedy: \(printable(fault.remedy))\n"
    }
    return text
  }

  private static let titles = [
    "SLURM", "LINE", "PLUGIN", "HELPER", "CACHE", "RUNTIME", "USERNS", "OTHERNS", "FUSE",
  ]

  private var table: String {
    let width = max(8, (hosts.map(\.name.utf8.count).max() ?? 0) + 2)
    var text = Self.padded("HOST", width) + Self.titles.map { Self.padded($0, 9) }.connected(by: "") + "\n"
    for host in hosts {
      text += Self.padded(printable(host.name), width)
      if host.checks.contains(where: { $0.name == "answer" }) {
        text += "FAILING: no answer\n"
        continue
      }
      for name in Check.slurmNames {
        let check = host.checks.first { $0.name == name }
        let found = name == "slurm" && check?.state == .good ? check?.found : check?.state.rawValue
        text += Self.padded(printable(found ?? "-"), 9)
      }
      text += "\n"
    }
    return text.lines.map { line in
      String(line.reversed().drop { $0 == " " }.reversed())
    }.connected(by: "\n") + "\n"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
  }
}
