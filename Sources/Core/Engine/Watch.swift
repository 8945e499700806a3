internal import Glibc
internal import Linux
internal import Model

/// Follows a program and all it starts, and notes what they do with files: each use once, with what became of it.
///
/// Considered: seccomp notifications, which cost less; but a filter would stay with the program, and the answer to a call
/// that goes on is not told.
final class Watch {
  /// Directories of which uses that worked are noted too.
  private let interesting: [String]
  private var entries: [Int32: Tracing.FileCall] = [:]
  /// What is noted already.
  private var noted: Set<String> = []
  private var observations: [Observation] = []

  /// As in `SignalForwarding`.
  private let processes: Int32?

  init(interesting: [String], processes: Int32?) {
    self.interesting = interesting
    self.processes = processes
  }

  /// Follows `child`, which has offered itself, to its end. Returns that and what was seen.
  func untilEnd(of child: Int32, blocked: sigset_t) -> (end: ProgramEnd, seen: [Observation]) {
    var waited = blocked
    var meant: Int32?
    var isStarted = false
    while true {
      while let (pid, stop) = Tracing.next() {
        switch stop {
        case .end(let code):
          entries[pid] = nil
          if pid == child { return (meant.map { .signal($0) } ?? .code(code), observations) }
        case .call:
          note(pid)
          Tracing.proceed(pid)
        case .event: Tracing.proceed(pid)
        case .signal(let signal):
          if pid == child, !isStarted {
            isStarted = true
            try? Tracing.start(pid)
            Tracing.proceed(pid)
          } else {
            // New processes begin with a stop, and programs with a trap, that are not theirs.
            Tracing.proceed(pid, signal: signal == SIGSTOP || signal == SIGTRAP ? 0 : signal)
          }
        }
      }
      var information = unsafe siginfo_t()
      let signal = unsafe sigwaitinfo(&waited, &information)
      guard signal > 0, signal != SIGCHLD else { continue }
      if unsafe information.si_code != 0x80 { kill(child, signal) }
      // What the kernel keeps from a process 1 is done in its stead.
      if let processes, [SIGINT, SIGTERM, SIGHUP, SIGQUIT].contains(signal),
        SignalState(of: child, parent: getpid(), processes: processes)?.leavesToKernel(signal) == true
      {
        meant = signal
        kill(child, SIGKILL)
      }
    }
  }

  private func note(_ pid: Int32) {
    switch Tracing.moment(of: pid) {
    case .entry(let call): entries[pid] = call
    case .unknown: entries[pid] = nil
    case .exit(let failure):
      guard let call = entries.removeValue(forKey: pid), let use = Observation.Use(rawValue: call.use) else {
        return
      }
      switch failure {
      case 0:
        guard use == .read || use == .execute,
          interesting.contains(where: { ContainerPath.isBelow(call.path, $0) })
        else { return }
      case ENOENT, EROFS, EACCES: break
      default: return
      }
      let key = "\(use.rawValue) \(failure) \(call.path)"
      guard noted.insert(key).inserted else { return }
      observations.append(
        Observation(
          use, call.path, failure: failure, onHost: failure == ENOENT ? missing(call.path, of: pid) : nil))
    }
  }

  /// The topmost part of a path that the host has and the process's root does not.
  private func missing(_ path: String, of pid: Int32) -> String? {
    guard (try? File.facts(path)) != nil, let root = try? File.open("/proc/\(pid)/root", O_PATH | O_DIRECTORY)
    else {
      return nil
    }
    var part = ""
    for name in ContainerPath.components(path) {
      part += "/" + name
      if (try? BeneathRoot.open(part, O_PATH, root: root.number)) == nil { return part }
    }
    return nil
  }
}
