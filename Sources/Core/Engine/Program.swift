internal import Glibc
internal import Linux
internal import Model

/// The last act: working directory, umask, and becoming the program.
struct Program {
  private(set) var plan: ProgramPlan

  private let trace: Engine.Trace?
  /// An open directory of the host's procfs, where a security module has to be told of the program; else -1.
  private let processes: Int32

  init(plan: ProgramPlan, processes: Int32 = -1, trace: Engine.Trace?) {
    self.plan = plan
    self.processes = processes
    self.trace = trace
  }

  /// Enters the first of the planned directories that can be entered. Returns a notice when it is not the first.
  func enterDirectory() throws(EngineFault) -> Notice? {
    var refused: (path: String, cause: SystemCallFault)?
    for path in plan.directories {
      do throws(SystemCallFault) {
        try retrying("chdir", path) { unsafe chdir(path) }
        // A path through a descriptor of the host would leave the directory unreachable from the root.
        guard currentDirectory() != nil else { throw SystemCallFault("getcwd", path, ENOENT) }
        trace?(Notice(.debug, "entered the working directory \(printable(path))"))
        guard let refused else { return nil }
        return Notice(
          .warning,
          "cannot enter \(printable(refused.path)) (\(errorText(refused.cause.number))), started in \(path)")
      } catch {
        if plan.directoryIsRequired {
          if error.call == "getcwd" {
            _ = unsafe chdir("/")
            throw .workingDirectoryOutside(path: path)
          }
          throw .workingDirectory(path: path, cause: error)
        }
        if refused == nil { refused = (path, error) }
      }
    }
    _ = unsafe chdir("/")
    return nil
  }

  /// The working directory, or nil when it is not reachable from the root.
  private func currentDirectory() -> String? {
    let bytes = unsafe [CChar](unsafeUninitializedCapacity: 4097) { buffer, initialized in
      initialized = unsafe getcwd(buffer.baseAddress, 4097) == nil ? 0 : 4097
    }
    guard !bytes.isEmpty, bytes[0] == CChar(UInt8(ascii: "/")) else { return nil }
    return ""
  }

  /// Executes the program; returns only why it could not.
  func become() -> EngineFault {
    if let mask = plan.umask { umask(mask) }
    var program = self
    program.plan.environment.append("PWD=" + workingDirectory)
    do throws(SystemCallFault) { try label() } catch {
      return .setup(activity: "give the program its label (\(plan.rights.label?.text ?? ""))", cause: error)
    }
    // A kernel without filters is one that nobody is contained by in this respect: no reason not to run.
    if plan.rights.cannotType { try? Process.forbidTyping() }
    return program.execute()
  }

  /// Tells a security module what the next execution of this process becomes (apparmor(7), selinux(8)).
  private func label() throws(SystemCallFault) {
    guard let label = plan.rights.label else { return }
    let text = label.module == .appArmor ? "exec " + label.text : label.text
    let file: Descriptor
    do throws(SystemCallFault) {
      // Linux 5.8: each module has a directory. Before, the one that is switched on has them all.
      file = try File.open("self/attr/\(label.module.rawValue.lowercased())/exec", O_RDWR, from: processes)
    } catch {
      guard error.number == ENOENT else { throw error }
      file = try File.open("self/attr/exec", O_RDWR, from: processes)
    }
    try File.write(Array(text.utf8), to: file.number, subject: label.text)
    // Read back, by the same file: a place that only looks like the kernel's would take anything.
    let kept = String(decoding: try File.bytes(of: file.number, count: 4096), as: UTF8.self)
    guard label.isMeant(by: kept), Volume.isProcess(file.number) else {
      throw SystemCallFault("write", label.text, EACCES)
    }
    trace?(Notice(.debug, "told \(label.module.rawValue) of \(printable(label.text))"))
  }

  /// The working directory by the name under which it was planned; the kernel's where that is none of them.
  var workingDirectory: String {
    if let here = try? File.facts(".") {
      for path in plan.directories {
        if let there = try? File.facts(path), there.inode == here.inode, there.device == here.device {
          return path
        }
      }
    }
    return File.workingDirectory
  }

  private func execute() -> EngineFault {
    guard let name = plan.arguments.first, !name.isEmpty else {
      return .programMissing(name: "", path: searchPath)
    }
    if name.utf8.contains(UInt8(ascii: "/")) {
      if let fault = execute(name) { return fault }
      guard plan.isFoundByName, ContainerPath.isAbsolute(name) else { return missing(name) }
      var other = self
      other.plan.arguments[0] = ContainerPath.lastComponent(name)
      return other.search(other.plan.arguments[0]) ?? missing(name)
    }
    return search(name) ?? missing(name)
  }

  /// Tries the directories of PATH. nil: none has the program.
  private func search(_ name: String) -> EngineFault? {
    var refused: EngineFault?
    for directory in searchPath.split(separator: ":", omittingEmptySubsequences: false) {
      let path = directory.isEmpty ? name : directory + "/" + name
      if let fault = execute(path) { refused = refused ?? fault }
    }
    return refused
  }

  private var searchPath: String {
    plan.environment.first { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) }
      ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  }

  private func missing(_ name: String) -> EngineFault { .programMissing(name: name, path: searchPath) }

  /// Tries one path. nil: there is no such file, look further.
  private func execute(_ path: String) -> EngineFault? {
    trace?(Notice(.debug, "execute \(printable(path))"))
    // With a filter of system calls nothing is tried out: it would be there for what comes after.
    if plan.rights.filter != nil {
      guard unsafe access(path, X_OK) == 0 else {
        if errno == ENOENT || errno == ENOTDIR { return nil }
        return .programNotExecutable(name: path, why: "it is not executable (\(errorText(errno)))")
      }
      guard (try? File.facts(path))?.kind == .file else {
        return .programNotExecutable(name: path, why: "it is a directory")
      }
    }
    let filter = plan.rights.filter.map { ($0.program, $0.flags) }
    let cause = Process.become(path, plan.arguments, environment: plan.environment, filter: filter)
    if cause.call == "seccomp" {
      return .setup(
        activity: "filter the system calls of the program by \(printable(plan.rights.filter?.source ?? ""))",
        cause: cause)
    }
    switch cause.number {
    case ENOENT, ENOTDIR:
      guard let facts = try? File.facts(path), facts.kind == .file else { return nil }
      return .programNotExecutable(
        name: path, why: "the interpreter that its first line or its ELF header names is not in the image")
    case EACCES:
      guard let facts = try? File.facts(path) else { return nil }
      return .programNotExecutable(
        name: path,
        why: facts.kind == .directory ? "it is a directory" : "it is not executable (permission denied)")
    case ENOEXEC:
      return executeText(path)
    default:
      return .programNotExecutable(name: path, why: errorText(cause.number))
    }
  }

  /// A file that the kernel does not recognise: a script without a first line goes to the shell, as execvp(3) does.
  private func executeText(_ path: String) -> EngineFault {
    let start = try? File.open(path).firstBytes(4)
    if let start, start.starts(with: [0x7F, 0x45, 0x4C, 0x46]) {
      return .programNotExecutable(name: path, why: "it is made for another processor architecture")
    }
    let cause = Process.become(
      "/bin/sh", ["sh", path] + plan.arguments.dropFirst(), environment: plan.environment)
    return .programNotExecutable(
      name: path, why: "it has no interpreter line, and /bin/sh cannot be run (\(errorText(cause.number)))")
  }
}
