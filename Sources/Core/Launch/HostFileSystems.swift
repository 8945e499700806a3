internal import Model

/// Mount points that `mount hostfs` shows, of the text of /proc/self/mountinfo (proc_pid_mountinfo(5)): those right below
/// the root's file system, as what lies beneath them comes along. Left out is what is the image's own or has a mount of its
/// own in a container.
func hostFileSystems(mountInformation text: String) -> [String] {
  var mounts: [(number: Substring, parent: Substring, place: String)] = []
  for line in text.lines {
    let fields = line.fields(at: UInt8(ascii: " "))
    guard fields.count > 4 else { continue }
    mounts.append((fields[0], fields[1], unescaped(fields[4])))
  }
  // The last one over `/` is what is seen.
  guard let root = mounts.last(where: { $0.place == "/" }) else { return [] }
  var places: [String] = []
  for mount in mounts where mount.parent == root.number && !isOfImage(mount.place) {
    if !places.contains(mount.place) { places.append(mount.place) }
  }
  return places.sorted()
}

/// What images have themselves (Filesystem Hierarchy Standard), or have mounts for. /opt and /srv are not among them: where
/// they are file systems of their own, they hold what a site offers on all its nodes.
private let ofImages = [
  "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/var", "/proc", "/sys", "/dev",
  "/run", "/boot",
]

private func isOfImage(_ place: String) -> Bool {
  ["/", "/tmp"].contains(place) || ofImages.contains { ContainerPath.isBelow(place, $0) }
}

/// Blanks and backslashes are written as `\040` and the like there.
private func unescaped(_ field: Substring) -> String {
  guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
  let bytes = Array(field.utf8)
  var out: [UInt8] = []
  var position = 0
  while position < bytes.count {
    let digits = bytes[min(position + 1, bytes.count)..<min(position + 4, bytes.count)]
    if bytes[position] == UInt8(ascii: "\\"), digits.count == 3,
      let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
    {
      out.append(value)
      position += 4
    } else {
      out.append(bytes[position])
      position += 1
    }
  }
  return String(decoding: out, as: UTF8.self)
}
