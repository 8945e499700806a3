internal import Glibc
internal import Linux
internal import Model

/// Looks at the caller's control group and those above it.
public func surveyControlGroups() -> ControlGroups {
  let top = "/sys/fs/cgroup"
  // Only the top of version 2 has this file; hybrid hosts have folders of version 1 there.
  guard (try? File.facts(top + "/cgroup.controllers")) != nil,
    let text = try? File.readAll("/proc/self/cgroup", limit: 65536)
  else { return ControlGroups() }
  var groups = ControlGroups(isUnified: true)
  for line in String(decoding: text, as: UTF8.self).lines where line.starts(withBytesOf: "0::/") {
    var path = ContainerPath.normalized(String(line.utf8.dropFirst(3)) ?? "/")
    while true {
      let place = path == "/" ? top : top + path
      let handedOn = words(place + "/cgroup.subtree_control")
      // The top may hand on whatever it has; a file that cannot be read is not empty.
      let hasNone = path == "/" || (try? File.readAll(place + "/cgroup.procs", limit: 64))?.isEmpty == true
      let canHandOn = hasNone && isWritable(place + "/cgroup.subtree_control")
      groups.groups.append(
        ControlGroups.Group(
          path: place, controllers: handedOn,
          others: canHandOn ? words(place + "/cgroup.controllers").filter { !handedOn.contains($0) } : [],
          isWritable: isWritable(place) && isWritable(place + "/cgroup.procs"), limits: limits(place)))
      if path == "/" { break }
      path = ContainerPath.parent(path)
    }
  }
  return groups
}

/// `max`, nothing, and a file that is not there are none.
private func limits(_ place: String) -> [LimitsPlan.Value] {
  ControlGroups.limitFiles.compactMap { file in
    let values = words(place + "/" + file)
    guard let first = values.first, first != "max" else { return nil }
    return LimitsPlan.Value(file, values.connected(by: " "))
  }
}

private func words(_ path: String) -> [String] {
  let bytes = (try? File.readAll(path, limit: 4096)) ?? []
  return String(decoding: bytes, as: UTF8.self).lines.flatMap { $0.fields(at: 0x20).map(String.init) }
}

private func isWritable(_ path: String) -> Bool { unsafe access(path, W_OK) == 0 }
