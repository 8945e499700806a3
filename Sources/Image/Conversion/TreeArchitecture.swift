internal import Model
internal import Tree

/// The architecture of a root file system: that of the first program found where every system has one.
extension Tree {
  private static let witnesses = [
    "/bin/sh", "/bin/busybox", "/bin/bash", "/usr/bin/env", "/sbin/ldconfig", "/sbin/init",
  ]

  var architecture: Architecture? {
    for path in Self.witnesses {
      guard let node = find(path), case .file(let content) = nodes[node].content, content.size >= 20,
        let reader = try? content.open()
      else { continue }
      var head = [UInt8](repeating: 0, count: 20)
      guard unsafe head.withUnsafeMutableBytes({ (try? unsafe reader.read(at: 0, into: $0)) != nil }) else {
        continue
      }
      if let found = Self.architecture(ofELF: head) { return found }
    }
    return nil
  }

  /// From the first 20 bytes of an ELF file (elf(5): class, data, e_machine).
  static func architecture(ofELF head: [UInt8]) -> Architecture? {
    guard head.count >= 20, head.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { return nil }
    let is64 = head[4] == 2
    let isLittle = head[5] == 1
    let machine = isLittle ? Int(head[18]) | Int(head[19]) << 8 : Int(head[19]) | Int(head[18]) << 8
    return switch (machine, is64, isLittle) {
    case (3, _, _): .i386
    case (62, _, _): .amd64
    case (40, _, _): .arm
    case (183, _, _): .arm64
    case (21, _, false): .ppc64
    case (21, _, true): .ppc64le
    case (8, false, false): .mips
    case (8, false, true): .mipsle
    case (8, true, false): .mips64
    case (8, true, true): .mips64le
    case (22, _, _): .s390x
    case (243, true, _): .riscv64
    case (258, _, _): .loong64
    default: nil
    }
  }
}
