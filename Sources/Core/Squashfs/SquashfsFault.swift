public import Codec
public import Linux
public import Model

/// Why an image, or one object in it, is refused.
public enum SquashfsFault: Error, Equatable, Sendable {
  /// Not this file system at all.
  case notSquashfs
  case version(major: UInt16, minor: UInt16)
  case compressor(UInt16)
  /// A field that contradicts the format; `limit` says what would have been allowed.
  case field(_ name: String, value: UInt64, limit: String)
  /// A structure that ends before it should.
  case truncated(_ structure: String)
  case block(CodecFault)
  case read(SystemCallFault)
}

extension SquashfsFault: Explained {
  public var explanation: Explanation {
    let remedy = "the file is damaged or was made to mislead: get it anew from where it came"
    return switch self {
    case .notSquashfs:
      Explanation(what: "cannot read the image", why: "there is no squashfs in it", remedy: remedy)
    case .version(let major, let minor):
      Explanation(
        what: "cannot read the image",
        why: "it is squashfs \(major).\(minor), and only 4.0 is in use since 2009",
        remedy: "make it anew with squashfs-tools 4")
    case .compressor(let number):
      Explanation(what: "cannot read the image", why: "its compressor \(number) is unknown", remedy: remedy)
    case .field(let name, let value, let limit):
      Explanation(
        what: "cannot read the image", why: "its squashfs says \(name) = \(value), allowed is \(limit)",
        remedy: remedy)
    case .truncated(let structure):
      Explanation(what: "cannot read the image", why: "its squashfs ends within \(structure)", remedy: remedy)
    case .block(let fault): fault.explanation
    case .read(let fault): fault.explanation
    }
  }
}
