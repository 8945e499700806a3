internal import Glibc
internal import ImageMount
internal import Launch
internal import Linux
internal import Model
internal import Settings

/// Tells the system's log of a launch: one datagram, which nobody waits for. A logger that is not there or does not keep
/// up is no concern of the launch.
enum LaunchLog {
  static func write(
    _ log: Settings.LaunchLog, _ image: ImageFile, _ host: HostFacts, job: String?, _ command: [String]
  ) {
    guard log != .off else { return }
    let record = LaunchRecord(
      user: host.user.entry?.name ?? "\(host.user.uid)", uid: host.user.uid, job: job, image: image.path,
      content: digest(of: image.path) ?? image.identifier, version: Installation.version, command: command)
    switch log {
    case .off: break
    case .syslog: Socket.tell("/dev/log", record.syslog(time: LocalTime.syslog, pid: getpid()))
    case .journald: Socket.tell("/run/systemd/journal/socket", record.journal)
    }
  }

  /// Images of the cache are named by what they are made of.
  private static func digest(of path: String) -> String? {
    for name in ContainerPath.components(path).reversed() {
      let digits = name.utf8.prefix { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
      if digits.count == 64, digits.endIndex == name.utf8.endIndex || name.utf8[digits.endIndex] == 0x2E {
        return "sha256:" + String(Substring(digits))
      }
    }
    return nil
  }
}
