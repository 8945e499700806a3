/// The number that Slurm compares before it loads a plugin, in the file `spank_apus.so`: read, and written into a copy.
///
/// Slurm loads a plugin of its own major and minor release only, and finds out by the variable `plugin_version` in it.
/// What the plugin calls is the same in all releases, so one file is built, and `apus slurm install` makes the copy for
/// the Slurm it finds. Nothing but those four bytes is changed. Files are read whole: the plugin has some 30 KiB.
public struct PluginStamp: Equatable, Sendable {
  /// A plugin has a few dozen KiB; no larger file is taken for one.
  public static let sizeLimit = 4 << 20

  /// The file as it is.
  public let bytes: [UInt8]
  /// Where in it the number stands.
  public let offset: Int

  public init(_ bytes: [UInt8]) throws(PluginFault) {
    guard let offset = try SharedObject(bytes).fileOffset(ofSymbol: "plugin_version") else {
      throw .noVersion
    }
    self.bytes = bytes
    self.offset = offset
  }

  /// The version of Slurm that the file is for; nil where the number is none.
  public var version: SlurmVersion? {
    // In the file: the constructor found four bytes there.
    SlurmVersion(number: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) })
  }

  /// The file for another version of Slurm.
  public func stamped(for version: SlurmVersion) -> [UInt8] {
    var copy = bytes
    for position in 0..<4 {
      copy[offset + position] = UInt8(truncatingIfNeeded: version.number >> (8 * UInt32(position)))
    }
    return copy
  }
}
