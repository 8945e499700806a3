internal import Model

/// Names of capabilities(7) by their numbers.
enum Capabilities {
  private static let names = [
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
    "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
    "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
    "checkpoint_restore",
  ]

  static var all: UInt64 { (1 << UInt64(names.count)) - 1 }

  /// The bits of a list of names, with or without `CAP_`, in any case, or `all`.
  static func bits(_ words: [String], option: String) throws(IsolationFault) -> UInt64 {
    var bits: UInt64 = 0
    for word in words {
      let lower = word.lowercased()
      let name = lower.hasPrefix("cap_") ? String(lower.dropFirst(4)) : lower
      if name == "all" {
        bits |= all
      } else if let number = names.firstIndex(of: name) {
        bits |= 1 << UInt64(number)
      } else {
        throw .unknownCapability(name: word, option: option)
      }
    }
    return bits
  }

  /// `CAP_KILL, CAP_MKNOD`, `all`, or `none`.
  static func text(_ bits: UInt64) -> String {
    if bits == 0 { return "none" }
    if bits == all { return "all" }
    return names(bits).connected(by: ", ")
  }

  /// Each as `CAP_KILL`.
  static func names(_ bits: UInt64) -> [String] {
    names.enumerated().filter { bits >> UInt64($0.offset) & 1 == 1 }.map { "CAP_" + $0.element.uppercased() }
  }
}
