public import Model

extension Plan {
  /// The plan for people: one thing a line, with its reason.
  public var text: String {
    var out = "root: \(root.form.name) (\(root.reason))\n"
    for layer in root.layers { out += "  layer \(printable(layer)), read-only\n" }
    for entry in root.skeleton { out += "  made: \(printable(entry.path))\n" }
    out +=
      "namespaces: user, mount" + namespaces.map { ", \($0.kind.rawValue) (\($0.reason))" }.joined() + "\n"
    out += "mounts and files, in order:\n"
    for planned in steps {
      out += "  \(planned.step.text) — \(planned.reason)\(planned.isOptional ? ", may fail" : "")\n"
    }
    out += "environment:\n"
    for entry in program.environment.sorted() { out += "  \(printable(entry))\n" }
    out += "working directory: \(program.directories.map { printable($0) }.joined(separator: ", else "))\n"
    if program.usesInit { out += "process 1: the init of apus\n" }
    if let umask = program.umask { out += "umask: 0\(String(umask, radix: 8))\n" }
    out += "program: \(program.arguments.map { printable($0) }.joined(separator: " "))\n"
    return out
  }

  /// The plan for programs.
  public var json: JSON {
    .object([
      (
        "root",
        .object([
          ("form", .string(root.form.name)), ("reason", .string(root.reason)),
          ("layers", .array(root.layers.map { .string($0) })),
          ("made", .array(root.skeleton.map { .string($0.path) })),
        ])
      ),
      (
        "namespaces",
        .array(
          [("user", "every launch has one"), ("mount", "every launch has one")].map {
            Self.namespace($0.0, $0.1)
          }
            + namespaces.map { Self.namespace($0.kind.rawValue, $0.reason) })
      ),
      (
        "steps",
        .array(
          steps.map { planned in
            .object(
              planned.step.members + [
                ("reason", .string(planned.reason)), ("optional", .bool(planned.isOptional)),
              ])
          })
      ),
      ("environment", .array(program.environment.map { .string($0) })),
      ("directories", .array(program.directories.map { .string($0) })),
      ("init", .bool(program.usesInit)),
      ("umask", program.umask.map { .integer(Int($0)) } ?? .null),
      ("arguments", .array(program.arguments.map { .string($0) })),
      ("notices", .array(notices.map { .string($0.text) })),
    ])
  }

  private static func namespace(_ kind: String, _ reason: String) -> JSON {
    .object([("kind", .string(kind)), ("reason", .string(reason))])
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

  fileprivate var text: String {
    switch self {
    case .bind(let source, let target, let writable, _):
      "bind \(printable(source)) at \(printable(target))\(writable ? "" : ", read-only")"
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
