internal import CLinux

/// What stands beside a signal that tells the first process of an instance to stop (sigqueue(3)). Without it the same
/// signal is for the program alone.
public enum StopWord {
  /// "APUS"
  public static let value: Int32 = 0x4150_5553

  /// Sends the signal to the process that `held`, a pidfd, stands for; where the kernel has no such descriptors, to the
  /// one that has the number.
  public static func send(with signal: Int32, to pid: Int32, held: Int32?) throws(SystemCallFault) {
    if let held {
      try checked(apus_pidfd_queue_signal(held, signal, value), "pidfd_send_signal")
    } else {
      try checked(apus_queue_signal(pid, signal, value), "rt_sigqueueinfo")
    }
  }
}
