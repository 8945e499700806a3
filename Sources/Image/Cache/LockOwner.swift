internal import Glibc
internal import Linux
internal import Model

/// Who holds a lock and what for: written into the lock's file, for those who wait.
struct LockOwner: Equatable, Sendable {
  var host: String
  var pid: Int32
  /// Processes of two PID namespaces may have the same number.
  var pidNamespace: String
  var uid: UInt32
  /// Seconds since 1970.
  var sinceSeconds: Int
  /// Behind "which": "converts docker.io/library/debian:12".
  var work: String

  /// The calling process.
  init(work: String) {
    host = Self.hostName()
    pid = getpid()
    pidNamespace = (try? File.target(ofLink: "/proc/self/ns/pid")) ?? ""
    uid = geteuid()
    sinceSeconds = time(nil)
    self.work = work
  }

  private static func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  var text: String {
    JSON.object([
      ("host", .string(host)), ("pid", .integer(Int(pid))), ("pidNamespace", .string(pidNamespace)),
      ("uid", .integer(Int(uid))), ("since", .integer(sinceSeconds)), ("work", .string(work)),
    ]).text() + "\n"
  }

  /// Bytes of an owner's text at most; the work is cut to fit.
  static let limit = 4096

  /// nil for what is no owner's text, and for one that is being written.
  init?(parsing bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), let host = json["host"]?.text,
      case .integer(let pid)? = json["pid"], let pid = Int32(exactly: pid), pid > 0,
      case .integer(let uid)? = json["uid"], let uid = UInt32(exactly: uid),
      case .integer(let since)? = json["since"]
    else { return nil }
    self.host = host
    self.pid = pid
    self.uid = uid
    sinceSeconds = since
    pidNamespace = json["pidNamespace"]?.text ?? ""
    work = json["work"]?.text ?? ""
  }

  /// Known to be no more: a process of this host and this PID namespace, and there is none of that number.
  var isDead: Bool {
    let own = LockOwner(work: "")
    guard host == own.host, !host.isEmpty, pidNamespace == own.pidNamespace, !pidNamespace.isEmpty else {
      return false
    }
    return kill(pid, 0) != 0 && errno == ESRCH
  }

  /// `node7 pid 4711 which converts …`, safe to print.
  var sentence: String {
    printable("\(host) pid \(pid)" + (work.isEmpty ? "" : " which \(work)"))
  }
}
