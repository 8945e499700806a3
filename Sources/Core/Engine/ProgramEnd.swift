internal import Glibc
internal import Linux

/// How a program ended.
enum ProgramEnd: Equatable {
  case code(Int32)
  case signal(Int32)

  /// As a shell shows it.
  var code: Int32 {
    switch self {
    case .code(let code): code
    case .signal(let signal): 128 + signal
    }
  }

  /// Ends this process as the program ended. A shell ends a loop whose command was ended by Ctrl-C, and goes on after one
  /// that only says so by its exit code.
  func follow() -> Never {
    if case .signal(let number) = self {
      // The program may have left a core; this process has nothing to say.
      try? Process.forbidTracing()
      _ = Glibc.signal(number, SIG_DFL)
      BlockedSignals.unblock(number)
      kill(getpid(), number)
    }
    // Process 1, of a container that this one runs in, cannot end by a signal of its own.
    _exit(code)
  }
}
