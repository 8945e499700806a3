/// The name of a container, which is also that of its directory: letters, digits and `_ . + : @ -`, beginning with a
/// letter, a digit or `_`.
public struct ContainerID: Equatable, Sendable {
  /// Bytes. Slurm's names are a node's name and four numbers.
  public static let limit = 200

  public let text: String

  public init(_ text: String) throws(ContainerFault) {
    guard !text.isEmpty else { throw .badID(why: "it is empty") }
    guard text.utf8.count <= Self.limit else {
      throw .badID(why: "it has \(text.utf8.count) bytes, and \(Self.limit) is the most")
    }
    for (position, byte) in text.utf8.enumerated() {
      let isWord =
        (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "_")
      guard isWord || (position > 0 && "-.+:@".utf8.contains(byte)) else {
        throw .badID(why: "the byte 0x\(String(byte, radix: 16)) at \(position) is not allowed there")
      }
    }
    self.text = text
  }

  /// What an ID of oci.conf carries: `NODE.USER.JOB.STEP.TASK`. The names of nodes and users may have points themselves.
  private var fields: [Substring]? {
    let fields = text.split(separator: ".", omittingEmptySubsequences: false)
    return fields.count >= 5 ? fields : nil
  }

  /// The user, where the ID has the number.
  public var user: UInt32? { fields.flatMap { UInt32($0[$0.count - 4]) } }

  /// The job and the step, by Slurm's numbers.
  public var step: (job: String, step: String)? {
    guard let fields, let job = UInt32(fields[fields.count - 3]), let step = UInt32(fields[fields.count - 2])
    else { return nil }
    return ("\(job)", "\(step)")
  }
}
