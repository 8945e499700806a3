internal import CLinux
internal import Glibc
internal import ImageMount
internal import Linux
internal import Model

/// Carries out the steps of a plan inside a root that stands but is not yet the process's root: sources are the
/// host's paths, targets are opened beneath the root.
struct StepRunner: ~Copyable {
  var builder: RootBuilder
  let root: Descriptor
  private(set) var warnings: [Notice] = []

  private let trace: Engine.Trace?

  init(builder: consuming RootBuilder, root: consuming Descriptor, trace: Engine.Trace?) {
    self.trace = trace
    self.builder = builder
    self.root = root
  }

  mutating func run(_ steps: [PlannedStep]) throws(EngineFault) {
    for planned in steps {
      trace?(Notice(.debug, "\(planned.step.summary) (\(planned.reason))"))
      do throws(SystemCallFault) {
        try run(planned.step)
      } catch {
        let fault = fault(of: planned, because: error, among: steps)
        guard planned.isOptional else { throw fault }
        let text = fault.explanation
        warnings.append(Notice(.warning, "\(text.what): \(text.why)"))
      }
    }
  }

  /// Why a step failed: a mount point that is missing beneath another mount is told from a source that is.
  private func fault(
    of planned: PlannedStep, because cause: SystemCallFault, among steps: [PlannedStep]
  ) -> EngineFault {
    let description = planned.step.summary
    guard cause.number == ENOENT, let target = planned.step.target, (try? openTarget(target)) == nil else {
      return .step(description: description, reason: planned.reason, cause: cause)
    }
    var cover: Step?
    for step in steps {
      if step == planned { break }
      if let above = step.step.target, ContainerPath.isBelow(target, above) { cover = step.step }
    }
    return .targetMissing(description: description, target: target, under: cover?.shown)
  }

  private mutating func run(_ step: Step) throws(SystemCallFault) {
    switch step {
    case .bind(let source, let target, let writable, let devices):
      let from = try File.open(source, O_PATH)
      var attributes: Mount.Attributes = [.noSetID]
      if !devices { attributes.insert(.noDevices) }
      if !writable { attributes.insert(.readOnly) }
      let place = try openTarget(target)
      try bind(from.number, at: place.number, target, attributes)
    case .bindImage(let image, let path, let target, let writable):
      let file = try builder.mount(of: image)
      let from = try BeneathRoot.open(path, O_PATH, root: file.mount)
      let place = try openTarget(target)
      // Alone: other mounts were laid over it since.
      try Mount.bind(
        from.number, at: place.number,
        attributes: writable ? [.noSetID, .noDevices] : [.noSetID, .noDevices, .readOnly], recursively: false,
        subject: target
      ) { below throws(SystemCallFault) in try openTarget(target + below) }
    case .fileSystem(let type, let target, let options):
      let place = try openTarget(target)
      var attributes: Mount.Attributes = [.noSetID]
      if type != "devpts" { attributes.insert(.noDevices) }
      // A flag of the mount and not of the file system, so that both interfaces of the kernel know it.
      let isReadOnly = options.contains { $0.name == "ro" }
      if isReadOnly { attributes.insert(.readOnly) }
      if type == "proc" || type == "sysfs" || type == "mqueue" || type == "devpts" {
        attributes.insert(.noExecution)
      }
      try Mount.make(
        type, source: type, options: options.filter { $0.name != "ro" }.map { ($0.name, $0.value) },
        attributes: attributes,
        at: place.number, subject: target
      ) { () throws(SystemCallFault) in try openTarget(target) }
    case .generatedFile(let target, let contents, let mode):
      let file = try builder.sessionFile(contents, mode: mode)
      let place = try openTarget(target)
      try bind(file.number, at: place.number, target, [.noSetID, .noDevices])
    case .makeDirectory(let path, let mode):
      try BeneathRoot.makeDirectories(path, mode: mode, root: root.number)
    case .makeFile(let path): try BeneathRoot.makeFile(path, root: root.number)
    case .makeHostDirectory(let path):
      let top = try File.open("/", O_PATH | O_DIRECTORY)
      try BeneathRoot.makeDirectories(path, mode: 0o700, root: top.number)
    case .makeLink(let path, let to):
      let parent = try BeneathRoot.open(ContainerPath.parent(path), O_PATH | O_DIRECTORY, root: root.number)
      let number = parent.number
      try retrying("symlink", path) { unsafe symlinkat(to, number, ContainerPath.lastComponent(path)) }
    case .sessionDirectory(let target, let mode):
      let directory = try builder.sessionDirectory(mode: mode)
      let place = try openTarget(target)
      try bind(directory.number, at: place.number, target, [.noSetID, .noDevices])
    case .hostName(let name):
      try retrying("sethostname", name) { unsafe sethostname(name, name.utf8.count) }
    }
  }

  /// Makes the root the process's own. A root of bound entries lies on a tmpfs that steps had to write to: it becomes
  /// read-only now.
  func finish(_ plan: RootPlan) throws(SystemCallFault) {
    try Mount.pivot(to: root.number, layers: builder.layers - 1)
    if plan.form == .boundEntries { try Mount.makeReadOnly("/") }
  }

  private func bind(
    _ source: Int32, at place: Int32, _ target: String, _ attributes: Mount.Attributes
  ) throws(SystemCallFault) {
    try Mount.bind(source, at: place, attributes: attributes, subject: target) {
      below throws(SystemCallFault) in
      try openTarget(target + below)
    }
  }

  private func openTarget(_ path: String) throws(SystemCallFault) -> Descriptor {
    try BeneathRoot.open(path, O_PATH, root: root.number)
  }
}

extension Step {
  /// Whether the step takes something from the launch's own tmpfs.
  var usesSession: Bool {
    switch self {
    case .generatedFile, .sessionDirectory: true
    default: false
    }
  }

  /// The mount point, of a step that has one.
  var target: String? {
    switch self {
    case .bind(_, let target, _, _), .fileSystem(_, let target, _), .generatedFile(let target, _, _),
      .sessionDirectory(let target, _), .bindImage(_, _, let target, _):
      target
    default: nil
    }
  }

  /// What a mount shows at its target, for messages.
  var shown: String? {
    switch self {
    case .bind(let source, let target, _, _): "\(printable(source)), which is shown at \(printable(target))"
    case .bindImage(let image, _, let target, _):
      "the content of \(printable(image.path)), which is shown at \(printable(target))"
    case .fileSystem(let type, let target, _): "the \(type) at \(printable(target))"
    case .sessionDirectory(let target, _): "the empty directory at \(printable(target))"
    default: nil
    }
  }

  /// What the step does, for messages.
  var summary: String {
    switch self {
    case .bind(let source, let target, _, _):
      source == target ? "bind \(printable(source))" : "bind \(printable(source)) at \(printable(target))"
    case .bindImage(let image, let path, let target, _):
      "show \(printable(path)) of \(printable(image.path)) at \(printable(target))"
    case .fileSystem(let type, let target, _): "mount \(type) at \(printable(target))"
    case .generatedFile(let target, _, _): "provide \(printable(target))"
    case .makeDirectory(let path, _): "make the directory \(printable(path))"
    case .makeFile(let path): "make the file \(printable(path))"
    case .makeHostDirectory(let path): "make the directory \(printable(path)) on the host"
    case .makeLink(let path, _): "make the link \(printable(path))"
    case .sessionDirectory(let target, _): "provide the directory \(printable(target))"
    case .hostName(let name): "set the host name \(printable(name))"
    }
  }
}
