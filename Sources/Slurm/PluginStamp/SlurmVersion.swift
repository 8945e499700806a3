internal import Model

/// A release of Slurm: 22.05.8 is major 22, minor 5, micro 8.
public struct SlurmVersion: Equatable, Hashable, Sendable {
  public let major: Int
  public let minor: Int
  public let micro: Int

  /// nil where a part does not fit into its byte.
  public init?(major: Int, minor: Int, micro: Int) {
    guard [major, minor, micro].allSatisfy({ (0...255).contains($0) }) else { return nil }
    self.major = major
    self.minor = minor
    self.micro = micro
  }

  /// The number as Slurm compares it: a byte each (slurm/slurm.h, SLURM_VERSION_NUM).
  public init?(number: UInt32) {
    self.init(
      major: Int(number >> 16), minor: Int(number >> 8 & 0xFF), micro: Int(number & 0xFF))
  }

  public var number: UInt32 { UInt32(major << 16 | minor << 8 | micro) }

  /// `22.05.8`, `26.05.0-rc1` or `22.05`.
  public init?(_ text: String) {
    let plain = text.fields(at: UInt8(ascii: "-")).first ?? ""
    let parts = plain.fields(at: UInt8(ascii: ".")).map { part in
      part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(part) : nil
    }
    guard (2...3).contains(parts.count), let major = parts[0], let minor = parts[1],
      let micro = parts.count > 2 ? parts[2] : 0
    else { return nil }
    self.init(major: major, minor: minor, micro: micro)
  }

  /// What a program of Slurm says to `-V`: a word of the packager, then the version.
  public init?(said output: String) {
    for word in output.lines.flatMap({ $0.fields(at: UInt8(ascii: " ")) }) {
      guard let found = SlurmVersion(String(word)) else { continue }
      self = found
      return
    }
    return nil
  }

  /// As Slurm writes it, the minor release in two digits.
  public var text: String { "\(major).\(minor < 10 ? "0" : "")\(minor).\(micro)" }

  /// Whether a Slurm of this version loads a plugin stamped with the other: the last number may differ
  /// (slurm, src/common/plugin.c).
  public func loads(_ other: SlurmVersion) -> Bool { major == other.major && minor == other.minor }
}
