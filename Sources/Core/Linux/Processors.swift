internal import Glibc

/// The processors of this node.
public enum Processors {
  /// How many the caller may run on: its affinity, which batch systems and `taskset` set. At least 1.
  public static var allowed: Int {
    var mask = cpu_set_t()
    let size = MemoryLayout<cpu_set_t>.size
    guard unsafe sched_getaffinity(0, size, &mask) == 0 else { return 1 }
    let count = unsafe withUnsafeBytes(of: &mask) { bytes in
      unsafe bytes.reduce(0) { $0 + $1.nonzeroBitCount }
    }
    return max(1, count)
  }
}
