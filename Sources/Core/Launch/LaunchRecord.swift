internal import Model

/// What the system's log is told of a launch, where the site wants to know (`log launches`).
///
/// All of it is the caller's word but the user: the logger has that from the kernel, beside the datagram. What is long is
/// cut, and what is no plain text escaped, so that one launch is one record whatever a file is called.
public struct LaunchRecord: Equatable, Sendable {
  public var user: String
  public var uid: UInt32
  /// Of Slurm; nil outside of jobs.
  public var job: String?
  public var image: String
  /// What tells the image's content from others without reading it: the digest a name in the cache is made of, else
  /// the identifier of the SIF.
  public var content: String?
  public var version: String
  public var command: [String]

  public init(
    user: String, uid: UInt32, job: String?, image: String, content: String?, version: String,
    command: [String]
  ) {
    self.user = user
    self.uid = uid
    self.job = job
    self.image = image
    self.content = content
    self.version = version
    self.command = command
  }

  /// Name and value of each field; the largest record stays below the 2048 bytes that every logger takes.
  private var fields: [(name: String, value: String)] {
    let all: [(name: String, value: String)] = [
      ("user", Self.cut(user, to: 64)), ("uid", "\(uid)"), ("job", Self.cut(job ?? "", to: 64)),
      ("image", Self.cut(image, to: 400)), ("content", Self.cut(content ?? "", to: 128)),
      ("version", version), ("command", Self.cut(command.connected(by: " "), to: 300)),
    ]
    return all.filter { !$0.value.isEmpty }
  }

  private var message: String {
    fields.map { field -> String in
      let isPlain = !field.value.utf8.contains {
        $0 == 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\\")
      }
      guard !isPlain else { return "\(field.name)=\(field.value)" }
      var quoted = ""
      for scalar in field.value.unicodeScalars {
        if scalar == "\"" || scalar == "\\" { quoted += "\\" }
        quoted.unicodeScalars.append(scalar)
      }
      return "\(field.name)=\"\(quoted)\""
    }.connected(by: " ")
  }

  /// As syslog has it (RFC 3164, as it is sent on the host itself: without a host). Facility user, severity info.
  /// `time`: `Mmm dd hh:mm:ss`, of the host's time zone.
  public func syslog(time: String, pid: Int32) -> [UInt8] {
    Array("<14>\(time) apus[\(pid)]: launch \(message)".utf8)
  }

  /// As systemd's journal has it: `FIELD=value` lines (systemd, "Native Journal Protocol"). No value has a line break.
  public var journal: [UInt8] {
    var text = "MESSAGE=launch \(message)\nPRIORITY=6\nSYSLOG_IDENTIFIER=apus\n"
    for field in fields { text += "APUS_\(field.name.uppercased())=\(field.value)\n" }
    return Array(text.utf8)
  }

  private static func cut(_ text: String, to limit: Int) -> String {
    let text = printable(text)
    guard text.utf8.count > limit else { return text }
    var kept = ""
    var count = 0
    for scalar in text.unicodeScalars {
      count += String(scalar).utf8.count
      guard count <= limit - 3 else { break }
      kept.unicodeScalars.append(scalar)
    }
    return kept + "…"
  }
}
