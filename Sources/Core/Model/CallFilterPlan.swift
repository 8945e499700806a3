/// A filter of system calls: a program for the kernel (BPF, seccomp(2)), and where it comes from.
public struct CallFilterPlan: Equatable, Sendable {
  /// Instructions of 8 bytes.
  public let program: [UInt8]
  /// SECCOMP_FILTER_FLAG_*
  public let flags: UInt32
  /// The profile's path.
  public let source: String

  public init(program: [UInt8], flags: UInt32, source: String) {
    self.program = program
    self.flags = flags
    self.source = source
  }
}

/// What a security module of the kernel makes of the program that is executed next.
public struct SecurityLabel: Equatable, Sendable {
  public enum Module: String, Equatable, Sendable {
    case appArmor = "AppArmor"
    case seLinux = "SELinux"
  }

  public let module: Module
  /// The name of a profile, or a context.
  public let text: String

  public init(_ module: Module, _ text: String) {
    self.module = module
    self.text = text
  }

  /// Whether a module that says `kept` of the next execution has understood this label: AppArmor adds the profile's mode
  /// (`NAME (enforce)`), SELinux ends the context with a zero.
  public func isMeant(by kept: String) -> Bool {
    var bytes = Array(kept.utf8)
    while let last = bytes.last, last == 0 || last == UInt8(ascii: "\n") { bytes.removeLast() }
    let wanted = Array(text.utf8)
    guard bytes.starts(with: wanted) else { return false }
    let rest = bytes.dropFirst(wanted.count)
    return rest.isEmpty || module == .appArmor && rest.starts(with: " (".utf8)
  }
}
