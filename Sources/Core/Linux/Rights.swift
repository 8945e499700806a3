internal import CLinux
internal import Glibc

/// What this process may do, and who it is, for good.
public enum Rights {
  // prctl(2)
  private static let keepCapabilities: Int32 = 8
  private static let readBounding: Int32 = 23
  private static let dropBounding: Int32 = 24
  private static let ambient: Int32 = 47

  /// Limits capabilities to those of `capabilities` (bits by the numbers of capabilities(7); nil leaves them) and becomes
  /// another user of these groups, the first being its primary one. Afterwards neither can be taken back.
  ///
  /// Another user than root keeps what is left as ambient capabilities: others would go with execve(2).
  public static func take(
    capabilities: UInt64?, uid: UInt32?, groups: [UInt32]
  ) throws(SystemCallFault) {
    if let capabilities { try limitBounding(to: capabilities) }
    if let uid, let gid = groups.first {
      // Without a limit to them nothing below would take them away again.
      if capabilities != nil, uid != 0 { try checked(apus_prctl(keepCapabilities, 1, 0, 0, 0), "prctl") }
      try Process.takeIdentity(uid: uid, gid: gid, groups: Array(groups.dropFirst()))
    }
    guard let capabilities else { return }
    var held: UInt64 = 0
    try checked(unsafe apus_permitted_capabilities(&held), "capget")
    let wanted = held & capabilities
    try checked(apus_set_capabilities(wanted), "capset")
    guard geteuid() != 0 else { return }
    for number in 0..<64 where wanted >> UInt64(number) & 1 == 1 {
      // PR_CAP_AMBIENT_RAISE
      try checked(apus_prctl(ambient, 2, UInt(number), 0, 0), "prctl")
    }
  }

  /// Numbers beyond those the kernel knows are no failure: it says where they end.
  private static func limitBounding(to capabilities: UInt64) throws(SystemCallFault) {
    for number in 0..<64 {
      let held = apus_prctl(readBounding, UInt(number), 0, 0, 0)
      if held < 0 { return }
      guard held == 1, capabilities >> UInt64(number) & 1 == 0 else { continue }
      try checked(apus_prctl(dropBounding, UInt(number), 0, 0, 0), "prctl")
    }
  }
}
