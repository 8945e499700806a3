public import Model

/// Why a file cannot be stamped.
public enum PluginFault: Error, Equatable, Sendable {
  /// It does not begin like a shared object of a 64-bit little-endian machine.
  case notASharedObject
  /// ELF's number of a machine that is neither x86_64 nor aarch64.
  case machine(UInt16)
  /// A structure reaches beyond the end of the file; offsets from its start.
  case cut(what: String, at: UInt64, size: UInt64, have: Int)
  case field(what: String, value: UInt64, expected: String)
  /// It has no symbol `plugin_version` of four bytes.
  case noVersion
}

extension PluginFault: Explained {
  public var explanation: Explanation {
    Explanation(
      what: "cannot stamp the plugin", why: why,
      remedy: "install Apus again: lib/apus/spank_apus.so is not the file that was built")
  }

  private var why: String {
    switch self {
    case .notASharedObject: "it is no 64-bit ELF shared object"
    case .machine(let number): "it is for a machine Apus does not know (ELF machine \(number))"
    case .cut(let what, let offset, let size, let have):
      "its \(what) (\(size) bytes at \(offset)) reaches beyond its end (\(have) bytes)"
    case .field(let what, let value, let expected): "its \(what) is \(value), not \(expected)"
    case .noVersion: "it has no four bytes called plugin_version"
    }
  }
}
