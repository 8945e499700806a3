internal import Glibc
internal import Linux
internal import Model

/// Looks at the caller's control group and those above it.
func surveyControlGroups() -> ControlGroups {
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
      let words = (try? File.readAll(place + "/cgroup.subtree_control", limit: 4096)) ?? []
      groups.groups.append(
        ControlGroups.Group(
          path: place,
          controllers: String(decoding: words, as: UTF8.self).lines.flatMap {
            $0.fields(at: 0x20).map(String.init)
          },
          isWritable: isWritable(place) && isWritable(place + "/cgroup.procs")))
      if path == "/" { break }
      path = ContainerPath.parent(path)
    }
  }
  return groups
}

private func isWritable(_ path: String) -> Bool { unsafe access(path, W_OK) == 0 }
