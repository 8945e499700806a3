internal import Glibc
internal import Linux

/// What a server says of itself.
public struct ServerState: Equatable, Sendable {
  public let image: String
  public let pid: Int32
  /// Programs that were launched and still run.
  public let programs: Int
  /// Resident.
  public let memoryBytes: Int
  /// Decoded blocks held.
  public let cacheBytes: Int
  public let ageSeconds: Int
  public let lingerSeconds: Double

  init?(parsing text: String) {
    var values: [Substring: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = String(parts[1]) }
    }
    guard let image = values["image"], let pid = values["pid"].flatMap({ Int32($0) }) else { return nil }
    self.image = image
    self.pid = pid
    programs = values["programs"].flatMap { Int($0) } ?? 0
    memoryBytes = values["memory"].flatMap { Int($0) } ?? 0
    cacheBytes = values["cache"].flatMap { Int($0) } ?? 0
    ageSeconds = values["age"].flatMap { Int($0) } ?? 0
    lingerSeconds = values["linger"].flatMap { Double($0) } ?? 0
  }
}

extension ImageMount {
  /// The servers of the calling user: of this group of launches, or of all.
  public static func servers(all: Bool, environment: (String) -> String?) -> [ServerState] {
    let uid = geteuid()
    let runtime = RuntimeDirectory.path(uid: uid, xdg: environment("XDG_RUNTIME_DIR"))
    let key = GroupKey(uid: uid, gid: getegid(), environment: environment)
    var folders: [String] = []
    for top in all ? Set([runtime, "/tmp/apus-\(uid)"]) : [runtime] {
      guard let directory = try? File.open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { continue }
      let names = ((try? File.names(in: directory)) ?? []).filter { all || key.isAlike($0) }
      folders += names.sorted().map { top + "/" + $0 }
    }
    var states: [ServerState] = []
    for folder in folders {
      guard let directory = try? File.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { continue }
      for name in ((try? File.names(in: directory)) ?? []).sorted()
      where name != GroupFolder.lockName && name != GroupFolder.mountPointName {
        if let state = state(folder + "/" + name, uid: uid) { states.append(state) }
      }
    }
    return states
  }

  private static func state(_ path: String, uid: UInt32) -> ServerState? {
    guard let socket = try? Socket.make(), (try? Socket.connect(socket, path)) != nil,
      let peer = try? Socket.peer(socket.number), peer.uid == uid,
      (try? Socket.send([Handover.state], to: socket.number)) != nil, readable(socket.number, within: 2),
      let (bytes, descriptors) = try? Socket.receive(from: socket.number),
      case .state(let text) = Handover.parse(bytes, descriptors)
    else { return nil }
    return ServerState(parsing: text)
  }
}
