public import Model
public import Settings

/// A plan with what `explain` shows beside it: how the image came within reach, and whence each variable comes.
public struct PlanReport: Sendable {
  public let plan: Plan
  /// The image's path, and the way it is mounted: one word, and one clause.
  public let image: String
  public let mount: (name: String, text: String)
  /// By the name of the variable.
  let sources: Lookup<String>
  /// Why `--fakeroot` has the users that it has.
  let fakerootReason: String
  /// Whether the launch is root's, who keeps the host's user namespace.
  let isPrivileged: Bool

  /// Plans a launch (`planLaunch`) and keeps what it knows on the way. `mount` says how the image is mounted.
  public static func make(
    _ request: LaunchRequest, settings: Settings, host: HostFacts, image: ImageFacts,
    mount: (name: String, text: String)
  ) throws(LaunchFault) -> PlanReport {
    let plan = try planLaunch(request, settings: settings, host: host, image: image)
    let home = try WantedMounts(request, settings, host).home
    let environment = try planEnvironment(request, host: host, image: image, home: home, tracing: true)
    return PlanReport(
      plan: plan, image: request.imagePath, mount: mount, sources: environment.sources,
      fakerootReason: host.fakeroot?.reason ?? "a map of one user", isPrivileged: host.isPrivileged)
  }

  /// `NAME=value` with its source, by name.
  private var variables: [(entry: String, name: String, source: String)] {
    plan.program.environment.sorted().map { entry in
      let name = String(entry.prefix { $0 != "=" })
      // What a plan has beyond that is there for the shell of the image that evaluates scripts.
      return (entry, name, sources[name] ?? "the launch's own, for the image's shell")
    }
  }

  /// For people: one thing a line, with its reason.
  public var text: String {
    var out = "image: \(printable(image)), \(mount.text)\n"
    out += "root: \(plan.root.form.name) (\(plan.root.reason))\n"
    for layer in plan.root.layers { out += "  layer \(printable(layer.path)), read-only\n" }
    if plan.root.isMadeByProgram {
      out += "  made by fuse-overlayfs: the kernel does not take ext3 mounts of users\n"
    }
    for entry in plan.root.skeleton { out += "  made: \(printable(entry.path))\n" }
    out += "namespaces:\n"
    for (kind, reason) in namespaces { out += "  \(kind) — \(reason)\n" }
    for line in plan.network?.lines ?? [] { out += "network: \(line)\n" }
    out += "mounts and files, in order:\n"
    for planned in plan.steps {
      out += "  \(planned.step.text) — \(planned.reason)\(planned.isOptional ? ", may fail" : "")\n"
    }
    out += "environment:\n"
    for variable in variables { out += "  \(printable(variable.entry)) — \(variable.source)\n" }
    let program = plan.program
    for line in rights { out += line + "\n" }
    if let limits = plan.limits {
      out += "limits, of a control group made in \(printable(limits.parent)) (\(limits.reason)):\n"
      for controller in limits.enabled { out += "  \(controller) is handed on to it first\n" }
      for value in limits.values { out += "  \(printable(value.file)) \(printable(value.text))\n" }
    }
    out += "working directory: \(program.directories.map { printable($0) }.joined(separator: ", else "))\n"
    if program.usesInit { out += "process 1: the init of apus\n" }
    if let umask = program.umask { out += "umask: 0\(String(umask, radix: 8))\n" }
    out += "program: \(program.arguments.map { printable($0) }.joined(separator: " "))\n"
    return out
  }

  /// For programs.
  public var json: JSON {
    .object([
      ("image", .object([("path", .string(image)), ("mount", .string(mount.name))])),
      (
        "root",
        .object([
          ("form", .string(plan.root.form.name)), ("reason", .string(plan.root.reason)),
          ("layers", .array(plan.root.layers.map { .string($0.path) })),
          ("made", .array(plan.root.skeleton.map { .string($0.path) })),
        ])
      ),
      (
        "namespaces",
        .array(namespaces.map { .object([("kind", .string($0.kind)), ("reason", .string($0.reason))]) })
      ),
      (
        "steps",
        .array(
          plan.steps.map { planned in
            .object(
              planned.step.members + [
                ("reason", .string(planned.reason)), ("optional", .bool(planned.isOptional)),
              ])
          })
      ),
      (
        "environment",
        .array(
          variables.map { variable in
            .object([
              ("name", .string(variable.name)),
              ("value", .string(String(variable.entry.dropFirst(variable.name.count + 1)))),
              ("source", .string(variable.source)),
            ])
          })
      ),
      ("directories", .array(plan.program.directories.map { .string($0) })),
      ("rights", .object(rightsMembers)),
      ("network", .array((plan.network?.lines ?? []).map { .string($0) })),
      (
        "limits",
        .array(
          (plan.limits?.values ?? []).map {
            .object([("file", .string($0.file)), ("value", .string($0.text))])
          })
      ),
      ("init", .bool(plan.program.usesInit)),
      ("umask", plan.program.umask.map { .integer(Int($0)) } ?? .null),
      ("arguments", .array(plan.program.arguments.map { .string($0) })),
      ("notices", .array(plan.notices.map { .string($0.text) })),
    ])
  }

  private var rights: [String] {
    let rights = plan.program.rights
    var lines: [String] = []
    if rights.isMappedRoot { lines += fakeroot(rights.ids) }
    if let identity = rights.identity {
      let groups = ([identity.gid] + identity.groups).map { "\($0)" }.connected(by: ", ")
      lines.append("user: uid \(identity.uid), groups \(groups) (\(rights.reason))")
    }
    if let bits = rights.capabilities {
      lines.append("capabilities: \(Capabilities.text(bits)) (\(rights.reason))")
    }
    if let filter = rights.filter {
      lines.append(
        "system calls: judged by \(filter.program.count / 8) instructions made of \(printable(filter.source))"
          + " (--security seccomp:)")
    }
    if rights.cannotType {
      lines.append(
        "system calls: none that types into the caller's terminal (--contain, --containall, --compat)")
    }
    if let label = rights.label {
      lines.append("\(label.module.rawValue): \(printable(label.text)) (--security)")
    }
    return lines
  }

  private func fakeroot(_ ids: IDMap?) -> [String] {
    guard let ids else { return ["user: root inside, and you outside (--fakeroot; \(fakerootReason))"] }
    return [
      "user: root inside, and you outside (--fakeroot; \(fakerootReason))", "users: \(ids.users.text)",
      "groups: \(ids.groups.text)",
    ]
  }

  private static func json(_ extents: [IDMap.Extent]) -> JSON {
    .array(
      extents.map {
        .object([
          ("inside", .integer(Int($0.inside))), ("outside", .integer(Int($0.outside))),
          ("count", .integer(Int($0.count))),
        ])
      })
  }

  private var rightsMembers: [(String, JSON)] {
    let rights = plan.program.rights
    var members: [(String, JSON)] = [("fakeroot", .bool(rights.isMappedRoot))]
    if rights.isMappedRoot { members.append(("fakerootReason", .string(fakerootReason))) }
    if let ids = rights.ids {
      members += [("users", Self.json(ids.users)), ("groups", Self.json(ids.groups))]
    }
    if let identity = rights.identity {
      members += [
        ("uid", .integer(Int(identity.uid))),
        ("gids", .array(([identity.gid] + identity.groups).map { .integer(Int($0)) })),
      ]
    }
    members.append(("seccomp", rights.filter.map { .string($0.source) } ?? .null))
    if let label = rights.label { members.append((label.module.rawValue.lowercased(), .string(label.text))) }
    members.append(
      ("capabilities", rights.capabilities.map { .string(Capabilities.text($0)) } ?? .null))
    return members
  }

  private var namespaces: [(kind: String, reason: String)] {
    let user = (
      kind: "user",
      reason: "every launch of a user's has one: the mounts below belong to it, and the user's rights stay"
        + " what they are"
    )
    let mount = (kind: "mount", reason: "every launch has one: what it mounts is seen by nobody else")
    return (isPrivileged ? [mount] : [user, mount])
      + plan.namespaces.map { (kind: $0.kind.rawValue, reason: $0.reason) }
  }
}

extension Plan {
  /// What a launch is about to do, told before it does it (VERBOSE): the root and why, each mount, the program.
  public var story: [Notice] {
    var lines = ["root: \(root.form.name) (\(root.reason))"]
    lines += steps.map { "\($0.step.text) — \($0.reason)" }
    lines.append("program: \(program.arguments.map { printable($0) }.joined(separator: " "))")
    return lines.map { Notice(.verbose, $0) }
  }
}

extension NetworkPlan {
  /// A line for each network.
  var lines: [String] {
    func ports(_ ports: [PortMapping]) -> String {
      ports.isEmpty ? "" : ", ports \(ports.map(\.text).connected(by: ", "))"
    }
    switch self {
    case .joined(let path): return ["that of \(printable(path)) (--netns-path)"]
    case .userMode(let network):
      return ["in user mode, by \(printable(network.program))" + ports(network.ports)]
    case .plugins(let network):
      return network.attachments.map { attachment in
        "\(attachment.interface) in \(printable(attachment.name)), by "
          + attachment.plugins.map { printable($0.program) }.connected(by: ", ") + ports(attachment.ports)
      }
    }
  }
}

extension RootPlan.Form {
  var name: String {
    switch self {
    case .image: "the image itself"
    case .readOnlyOverlay: "a read-only overlay"
    case .boundEntries: "the image's entries on a tmpfs"
    case .writableTemporary: "an overlay written to memory"
    case .writableOverlay(let directory): "an overlay written to \(printable(directory))"
    case .writableImage(let image): "an overlay written to the ext3 image \(printable(image.path))"
    case .writableSandbox: "the directory itself, writable"
    }
  }
}

extension Step {
  /// Name and value of what the step is made of.
  fileprivate var members: [(String, JSON)] {
    switch self {
    case .bind(let source, let target, let writable, let devices):
      [
        ("step", .string("bind")), ("source", .string(source)), ("target", .string(target)),
        ("writable", .bool(writable)),
        ("devices", .bool(devices)),
      ]
    case .bindImage(let image, let path, let target, let writable):
      [
        ("step", .string("bind of an image")), ("image", .string(image.path)),
        ("type", .string(image.fileSystem.rawValue)), ("source", .string(path)), ("target", .string(target)),
        ("writable", .bool(writable)),
      ]
    case .fileSystem(let type, let target, let options):
      [
        ("step", .string("mount")), ("type", .string(type)), ("target", .string(target)),
        ("options", .array(options.map { .string($0.name + ($0.value.map { "=" + $0 } ?? "")) })),
      ]
    case .generatedFile(let target, let contents, let mode):
      [
        ("step", .string("file")), ("target", .string(target)), ("bytes", .integer(contents.count)),
        ("mode", .integer(Int(mode))),
      ]
    case .makeDirectory(let path, let mode):
      [("step", .string("make directory")), ("target", .string(path)), ("mode", .integer(Int(mode)))]
    case .makeFile(let path): [("step", .string("make file")), ("target", .string(path))]
    case .makeHostDirectory(let path):
      [("step", .string("make directory on the host")), ("target", .string(path))]
    case .makeLink(let path, let to):
      [("step", .string("make link")), ("target", .string(path)), ("to", .string(to))]
    case .sessionDirectory(let target, let mode):
      [("step", .string("empty directory")), ("target", .string(target)), ("mode", .integer(Int(mode)))]
    case .hostName(let name): [("step", .string("host name")), ("name", .string(name))]
    }
  }

  var text: String {
    switch self {
    case .bind(let source, let target, let writable, _):
      "bind \(printable(source)) at \(printable(target))\(writable ? "" : ", read-only")"
    case .bindImage(let image, let path, let target, let writable):
      "show \(printable(path)) of the \(image.fileSystem.rawValue) in \(printable(image.path)) at "
        + "\(printable(target))\(writable ? "" : ", read-only")"
    case .fileSystem(let type, let target, _): "mount \(type) at \(printable(target))"
    case .generatedFile(let target, let contents, _): "write \(printable(target)) (\(contents.count) bytes)"
    case .makeDirectory(let path, _): "make the directory \(printable(path))"
    case .makeFile(let path): "make the file \(printable(path))"
    case .makeHostDirectory(let path): "make the directory \(printable(path)) on the host"
    case .makeLink(let path, let to): "make the link \(printable(path)) to \(printable(to))"
    case .sessionDirectory(let target, _): "an empty directory at \(printable(target))"
    case .hostName(let name): "host name \(printable(name))"
    }
  }
}
