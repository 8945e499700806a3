internal import CLinux
internal import Glibc

/// The file system that holds an open file: how large it is, what room there is, and whether it is this node's own.
public struct Volume: Equatable, Sendable {
  /// Bytes in all, and those that an ordinary user can still write.
  public let size: Int
  public let free: Int
  /// What it is called, of those that other nodes see as well; nil for one of this node.
  public let networkName: String?

  public init(size: Int, free: Int, networkName: String? = nil) {
    self.size = size
    self.free = free
    self.networkName = networkName
  }

  public static func of(_ file: borrowing Descriptor) throws(SystemCallFault) -> Volume {
    var facts = statvfs()
    let number = file.number
    try retrying("fstatvfs") { unsafe fstatvfs(number, &facts) }
    let unit = Int(facts.f_frsize)
    return Volume(
      size: product(unit, facts.f_blocks), free: product(unit, facts.f_bavail),
      networkName: networkName(ofType: apus_filesystem_type(number)))
  }

  /// Whether nothing can be written to the file system that holds a file, or to this mount of it.
  public static func isReadOnly(_ file: borrowing Descriptor) -> Bool {
    var facts = statvfs()
    // 1: ST_RDONLY (statvfs(3))
    return unsafe fstatvfs(file.number, &facts) == 0 && facts.f_flag & 1 != 0
  }

  /// Whether a file is one of procfs, and of nothing that only looks like it.
  public static func isProcess(_ file: Int32) -> Bool {
    // PROC_SUPER_MAGIC (statfs(2))
    apus_filesystem_type(file) == 0x9FA0
  }

  /// Some file systems say that they have more than can be counted in bytes.
  private static func product(_ unit: Int, _ blocks: UInt) -> Int {
    let (bytes, overflow) = unit.multipliedReportingOverflow(by: Int(clamping: blocks))
    return overflow ? .max : bytes
  }

  /// What the file system that holds a file is called, of those that are known to take no changes of an overlay.
  public static func typeName(of file: borrowing Descriptor) -> String? {
    let type = apus_filesystem_type(file.number)
    return switch UInt32(truncatingIfNeeded: type) {
    case 0x4D44: "vfat"
    case 0x2011_BAB0: "exFAT"
    case 0x6573_5546: "FUSE"
    case 0x794C_7630: "overlay"
    case 0x0102_1994: "tmpfs"
    default: networkName(ofType: type)
    }
  }

  /// By the magic numbers of statfs(2) and of the file systems' own sources.
  static func networkName(ofType type: Int) -> String? {
    switch UInt32(truncatingIfNeeded: type) {
    case 0x6969: "NFS"
    case 0x0BD0_0BD0: "Lustre"
    case 0x4750_4653: "GPFS"
    case 0x1983_0326: "BeeGFS"
    case 0x00C3_6400: "CephFS"
    case 0xFF53_4D42, 0xFE53_4D42: "SMB"
    case 0x0102_1997: "9P"
    case 0x5346_414F: "AFS"
    case 0x2003_0528: "OrangeFS"
    case 0x0116_1970: "GFS2"
    default: nil
    }
  }
}
