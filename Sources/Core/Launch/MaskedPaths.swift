/// Parts of the kernel's file systems that a contained program has no business with: what tells of other processes'
/// memory and keys or of the machine (hidden), and what changes the host (read-only). The lists are those of the OCI
/// runtimes, which images and their authors have come to expect (OCI runtime-spec, `maskedPaths`, `readonlyPaths`).
///
/// Only with a /proc of the container's own: the host's is shown as the host shows it.
enum MaskedPaths {
  static let hidden = [
    "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
    "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
  ]
  static let readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

  static func apply(to request: LaunchRequest) -> Bool { request.contain && request.pid }

  /// What the survey must look for on the host.
  static var all: [String] { hidden + readOnly }
}
