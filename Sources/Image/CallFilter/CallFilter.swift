internal import CSeccomp
internal import Glibc
internal import Model

/// Makes the kernel's filter program (BPF) of a profile, by libseccomp.
public enum CallFilter {
  /// Writes the program to a descriptor. Names of calls that this libseccomp does not know are left out, as other
  /// runtimes leave them out: they are then what no rule is about.
  public static func write(_ profile: CallProfile, to descriptor: Int32) throws(ProfileFault) {
    guard let filter = unsafe seccomp_init(word(profile.otherwise)) else {
      throw ProfileFault("libseccomp cannot begin a filter")
    }
    defer { unsafe seccomp_release(filter) }
    for name in profile.architectures {
      let number = unsafe seccomp_arch_resolve_name(name)
      guard number != 0 else { throw ProfileFault("the architecture \(printable(name)) is unknown") }
      // There already: this machine's own.
      try check(unsafe seccomp_arch_add(filter, number), "add the architecture \(name)", unless: EEXIST)
    }
    // A tree instead of a list of comparisons; libseccomp before 2.5 has none.
    _ = unsafe seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)
    for rule in profile.rules where rule.action != profile.otherwise {
      for name in rule.names {
        let number = unsafe seccomp_syscall_resolve_name(name)
        // __NR_SCMP_ERROR
        if number == -1 { continue }
        for conditions in alternatives(rule.conditions) {
          let added = unsafe conditions.withUnsafeBufferPointer {
            unsafe seccomp_rule_add_array(
              filter, word(rule.action), number, UInt32($0.count), $0.baseAddress)
          }
          try check(added, "add the rule of \(printable(name))", unless: EEXIST)
        }
      }
    }
    try check(unsafe seccomp_export_bpf(filter, descriptor), "write the filter")
  }

  /// The library takes one comparison for each argument: where there are two of one, either is enough, as in runc.
  private static func alternatives(_ conditions: [CallProfile.Condition]) -> [[scmp_arg_cmp]] {
    let all = conditions.map { condition in
      scmp_arg_cmp(
        arg: condition.argument, op: comparison(condition.comparison), datum_a: condition.value,
        datum_b: condition.second)
    }
    return Set(conditions.map(\.argument)).count == conditions.count ? [all] : all.map { [$0] }
  }

  private static func comparison(_ comparison: CallProfile.Comparison) -> scmp_compare {
    switch comparison {
    case .notEqual: SCMP_CMP_NE
    case .less: SCMP_CMP_LT
    case .lessOrEqual: SCMP_CMP_LE
    case .equal: SCMP_CMP_EQ
    case .greaterOrEqual: SCMP_CMP_GE
    case .greater: SCMP_CMP_GT
    case .maskedEqual: SCMP_CMP_MASKED_EQ
    }
  }

  private static func word(_ action: CallProfile.Action) -> UInt32 {
    switch action {
    case .killProcess: UInt32(SCMP_ACT_KILL_PROCESS)
    case .killThread: UInt32(SCMP_ACT_KILL_THREAD)
    case .trap: UInt32(SCMP_ACT_TRAP)
    case .log: UInt32(SCMP_ACT_LOG)
    case .allow: UInt32(SCMP_ACT_ALLOW)
    case .error(let number): apus_action_errno(number)
    case .trace(let number): apus_action_trace(number)
    }
  }

  /// `unless`: an error that is none.
  private static func check(_ result: Int32, _ activity: String, unless: Int32 = 0) throws(ProfileFault) {
    guard result < 0, -result != unless else { return }
    throw ProfileFault("libseccomp cannot \(activity): error \(-result)")
  }
}
