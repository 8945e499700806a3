/// Who a program is and what it may do, where that differs from what its caller is and may.
public struct RightsPlan: Equatable, Sendable {
  /// Whether the program is root of a user namespace of its caller's (`--fakeroot`).
  public var isMappedRoot: Bool
  /// The ids of that namespace; nil: it knows its caller and nobody else.
  public var ids: IDMap?
  /// All the program may ever have, a bit for each number of capabilities(7); nil: what its user has anyway.
  public var capabilities: UInt64?
  /// Another user, of these groups and no others.
  public var identity: Identity?
  /// What the kernel does with system calls of the program (`--security seccomp:`).
  public var filter: CallFilterPlan?
  /// Whether it may not put bytes into the input of its caller's terminal, where the caller's shell would read them.
  public var cannotType = false
  /// What a security module is told of the program (`--security apparmor:`, `selinux:`).
  public var label: SecurityLabel?
  /// The options that asked for it.
  public var reason: String

  /// Ids of a user that root becomes.
  public struct Identity: Equatable, Sendable {
    public let uid: UInt32
    public let gid: UInt32
    /// Supplementary groups.
    public let groups: [UInt32]

    public init(uid: UInt32, gid: UInt32, groups: [UInt32] = []) {
      self.uid = uid
      self.gid = gid
      self.groups = groups
    }
  }

  public init(
    isMappedRoot: Bool = false, capabilities: UInt64? = nil, identity: Identity? = nil, reason: String = ""
  ) {
    self.isMappedRoot = isMappedRoot
    self.capabilities = capabilities
    self.identity = identity
    self.reason = reason
  }

  /// Whether anything is left to do once the namespaces are there.
  public var changesProcess: Bool { capabilities != nil || identity != nil }
}
