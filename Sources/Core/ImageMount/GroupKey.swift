internal import Linux
public import Model

/// What launches must have in common to share servers: they live and die together.
///
/// A server started in one login session or job dies with it (cgroups are killed, job containers taken away), so it
/// must never serve another. The environment alone is stale in tmux and ssh, so the cgroup counts as well.
public struct GroupKey: Equatable, Sendable {
  /// Part of the key, so that two versions of the protocol never meet on one socket.
  static let protocolNumber = 2

  public let name: String

  /// Digits that groups differ in which have other users in their namespaces, and are otherwise the same.
  static let mapDigits = 8

  /// `environment` is asked for SLURM_JOB_ID and SLURM_STEP_ID. `ids`: the users of the pair, where they are many.
  public init(uid: UInt32, gid: UInt32, ids: IDMap? = nil, environment: (String) -> String?) {
    var parts = ["\(Self.protocolNumber)", "\(uid)", "\(gid)"]
    for namespace in ["user", "mnt", "pid"] {
      let facts = try? File.facts("/proc/self/ns/" + namespace)
      parts.append("\(facts?.inode ?? 0)")
    }
    parts.append(environment("SLURM_JOB_ID") ?? "")
    parts.append(environment("SLURM_STEP_ID") ?? "")
    let text = (try? File.readAll("/proc/self/cgroup", limit: 1 << 20)) ?? []
    parts.append(Self.lifePath(ofCgroups: String(decoding: text, as: UTF8.self)))
    let whole = Hash.hexadecimal(of: parts.connected(by: "\n"))
    guard let ids else {
      name = whole
      return
    }
    let map = Hash.hexadecimal(of: (ids.users.words + ["groups"] + ids.groups.words).connected(by: " "))
    name = String(whole.dropLast(Self.mapDigits)) + String(map.prefix(Self.mapDigits))
  }

  /// Whether a group of that name differs from this one in its users alone, if at all.
  func isAlike(_ other: String) -> Bool {
    other.utf8.count == name.utf8.count && other.dropLast(Self.mapDigits) == name.dropLast(Self.mapDigits)
  }

  /// The caller's cgroup, cut behind Slurm's `step_X`: task folders differ within a step. On version 1 and mixed
  /// systems the line of systemd counts, else the freezer's, else memory's (proc(5), /proc/PID/cgroup).
  static func lifePath(ofCgroups text: String) -> String {
    var candidates: [(controller: Substring, path: Substring)] = []
    for line in text.lines {
      // number ":" controllers ":" path; a path may hold further colons
      let fields = line.fields(at: UInt8(ascii: ":"))
      guard fields.count >= 3 else { continue }
      for controller in fields[1].fields(at: UInt8(ascii: ",")) {
        candidates.append((controller, line[fields[2].startIndex...]))
      }
    }
    let order = candidates.count > 1 ? ["name=systemd", "freezer", "memory", ""] : [""]
    var path: Substring = "/"
    for name in order {
      guard let found = candidates.last(where: { $0.controller == name }) else { continue }
      path = found.path
      break
    }
    var kept: [String] = []
    for part in ContainerPath.components(String(path)) {
      kept.append(part)
      if part.starts(withBytesOf: "step_") { break }
    }
    return "/" + kept.connected(by: "/")
  }
}
