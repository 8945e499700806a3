internal import Glibc
internal import ImageMount
internal import Linux
internal import Model

/// Where the containers of one kind and user have their directories.
public struct ContainerShelf: Sendable {
  public let uid: UInt32
  /// Runtime directories they may lie in; new ones are made in the first.
  let places: [String]
  /// Below each of them.
  let folder: String
  /// Whether one that has ended is forgotten, and its name free.
  let forgetsEnded: Bool

  /// Containers of bundles lie in the caller's runtime directory, or in those that every process of the user would
  /// choose: root asks with an environment of its own.
  public static func bundles(uid: UInt32, xdg: String?) -> ContainerShelf {
    var places: [String] = []
    for xdg in [xdg, "/run/user/\(uid)", nil] {
      let path = RuntimeDirectory.path(uid: uid, xdg: xdg)
      if !places.contains(path) { places.append(path) }
    }
    return ContainerShelf(uid: uid, places: places, folder: "oci", forgetsEnded: false)
  }

  /// Instances of a user are found from every session on the node, so they lie in the one directory that all of these
  /// have. Processes that see other processes (another PID namespace, with the same /tmp) have a folder of their own:
  /// theirs would look dead to the others.
  public static func instances(uid: UInt32) -> ContainerShelf {
    // include/linux/proc_ns.h, PROC_PID_INIT_INO
    let inode = (try? File.facts("/proc/self/ns/pid"))?.inode ?? 0xEFFF_FFFC
    let folder = inode == 0xEFFF_FFFC ? "instances" : "instances-\(inode)"
    return ContainerShelf(
      uid: uid, places: [RuntimeDirectory.path(uid: uid, xdg: nil)], folder: folder, forgetsEnded: true)
  }

  /// Open; nil where there is none, or either directory is somebody else's or open to others: /tmp is everybody's.
  func open(in place: String) throws(ContainerFault) -> Descriptor? {
    do throws(PrivateDirectoryFault) {
      let top = try PrivateDirectory.open(place, uid: uid)
      return try PrivateDirectory.open(folder, from: top.number, uid: uid)
    } catch {
      guard case .call(let cause) = error, !error.isMissing else { return nil }
      throw .system(cause)
    }
  }

  /// The containers there are, by name. Those that have ended are forgotten, where that is the rule, and what a killed
  /// command has left of one goes.
  public func states() throws(ContainerFault) -> [ContainerState] {
    var states: [ContainerState] = []
    for place in places {
      guard let directory = try open(in: place), let names = try? File.names(in: directory) else { continue }
      for name in names.sorted() {
        guard let id = try? ContainerID(name),
          let found = try? ContainerDirectory.open(id, on: self, in: place)
        else { continue }
        if let state = found.state(), !forgetsEnded || state.status != .stopped {
          states.append(state)
        } else {
          found.sweep()
        }
      }
    }
    return states
  }
}
