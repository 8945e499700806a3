public import Model

/// A profile of system calls: what becomes of each (`--security seccomp:FILE`), in the JSON of OCI runtimes
/// (runtime-spec, config-linux.md, "Seccomp") or in Docker's, which chooses among rules by the machine and by what the
/// program may do.
public struct CallProfile: Equatable, Sendable {
  public enum Action: Equatable, Sendable {
    case killProcess, killThread, trap, log, allow
    /// The call fails with that error.
    case error(UInt16)
    /// A tracer is told that number.
    case trace(UInt16)
  }

  public enum Comparison: String, Equatable, Sendable, CaseIterable {
    case notEqual = "SCMP_CMP_NE"
    case less = "SCMP_CMP_LT"
    case lessOrEqual = "SCMP_CMP_LE"
    case equal = "SCMP_CMP_EQ"
    case greaterOrEqual = "SCMP_CMP_GE"
    case greater = "SCMP_CMP_GT"
    /// The bits of `value`, in the argument, are those of `second`.
    case maskedEqual = "SCMP_CMP_MASKED_EQ"
  }

  /// What an argument of the call must be.
  public struct Condition: Equatable, Sendable {
    public let argument: UInt32
    public let comparison: Comparison
    public let value: UInt64
    public let second: UInt64
  }

  public struct Rule: Equatable, Sendable {
    public let names: [String]
    public let action: Action
    /// All of them must hold.
    public let conditions: [Condition]
  }

  /// Of calls that no rule is about.
  public var otherwise: Action
  /// By libseccomp's names: `x86_64`.
  public var architectures: [String] = []
  public var rules: [Rule] = []
  /// Bits for seccomp(2).
  public var flags: UInt32 = 0
}

/// What rules of Docker's profiles are chosen by.
public struct ProfileHost: Equatable, Sendable {
  public let architecture: Architecture
  /// What the program may do, as `CAP_KILL`.
  public let capabilities: Set<String>
  /// First two numbers of the kernel's version.
  public let kernel: [Int]

  public init(architecture: Architecture, capabilities: Set<String>, kernel: [Int]) {
    self.architecture = architecture
    self.capabilities = capabilities
    self.kernel = kernel
  }
}

/// Why a text is no profile that can be used.
public struct ProfileFault: Error, Equatable, Sendable {
  public let why: String
  public init(_ why: String) { self.why = why }
}
