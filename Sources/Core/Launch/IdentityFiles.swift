internal import Linux
internal import Model
internal import Settings

/// The container's passwd and group: the image's with the caller in them.
func identityFiles(settings: Settings, host: HostFacts, image: ImageFacts, home: String?) -> [WantedMount] {
  guard host.user.uid != 0 else { return [] }
  var files: [WantedMount] = []
  if settings.writesPasswd, let text = image.passwd {
    files.append(
      WantedMount(
        target: "/etc/passwd", content: .file(Array(passwd(text, host.user, home: home).utf8), mode: 0o644),
        isDirectory: false, reason: "the user's entry", isOptional: true))
  }
  if settings.writesGroup, let text = image.group {
    files.append(
      WantedMount(
        target: "/etc/group",
        content: .file(Array(group(text, host.user, hostGroups: host.groups).utf8), mode: 0o644),
        isDirectory: false, reason: "the user's groups", isOptional: true))
  }
  return files
}

/// The image's entries without those of the caller's name or uid, and the caller's own, with the home directory that
/// the container shows. A caller unknown to the host gets an entry named by their number.
func passwd(_ text: String, _ user: User, home: String?) -> String {
  let own = user.entry
  let name = own?.name ?? "user\(user.uid)"
  let kept = text.split(separator: "\n").filter { line in
    let fields = line.split(separator: ":", omittingEmptySubsequences: false)
    return fields.count < 3 || (fields[0] != name && fields[2] != "\(user.uid)")
  }
  let entry = PasswordEntry(
    name: name, uid: user.uid, gid: user.gid, comment: own?.comment ?? "", home: home ?? own?.home ?? "/",
    shell: own?.shell ?? "/bin/sh")
  return (kept.map(String.init) + [entry.line]).joined(separator: "\n") + "\n"
}

/// The image's groups, and those of the caller that it does not have, under the host's names.
func group(_ text: String, _ user: User, hostGroups: String) -> String {
  var lines = text.split(separator: "\n").map(String.init)
  var known: Set<String> = []
  for line in lines {
    let fields = line.split(separator: ":", omittingEmptySubsequences: false)
    if fields.count > 2 { known.insert(String(fields[2])) }
  }
  var names: [String: String] = [:]
  for line in hostGroups.split(separator: "\n") {
    let fields = line.split(separator: ":", omittingEmptySubsequences: false)
    if fields.count > 2, names[String(fields[2])] == nil { names[String(fields[2])] = String(fields[0]) }
  }
  let member = user.entry?.name ?? ""
  for gid in [user.gid] + user.groups where known.insert("\(gid)").inserted {
    guard let name = names["\(gid)"] ?? (gid == user.gid ? user.entry?.name : nil) else { continue }
    lines.append("\(name):x:\(gid):\(gid == user.gid ? "" : member)")
  }
  return lines.joined(separator: "\n") + "\n"
}
