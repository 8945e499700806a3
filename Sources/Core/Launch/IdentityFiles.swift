internal import Linux
internal import Model
internal import Settings

/// The container's passwd and group: the image's with the caller in them.
func identityFiles(
  settings: Settings, host: HostFacts, image: ImageFacts, home: String?, isMappedRoot: Bool = false
) -> [WantedMount] {
  guard host.user.uid != 0, !isMappedRoot else { return [] }
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
  let kept = text.lines.filter { line in
    let fields = line.fields(at: UInt8(ascii: ":"))
    return fields.count < 3 || (fields[0] != name && fields[2] != "\(user.uid)")
  }
  let entry = PasswordEntry(
    name: name, uid: user.uid, gid: user.gid, comment: own?.comment ?? "", home: home ?? own?.home ?? "/",
    shell: own?.shell ?? "/bin/sh")
  return (kept.map(String.init) + [entry.line]).connected(by: "\n") + "\n"
}

/// The image's groups, and those of the caller that it does not have, under the host's names.
func group(_ text: String, _ user: User, hostGroups: String) -> String {
  var lines = text.lines.map(String.init)
  var known: [Substring] = []
  for line in lines {
    let fields = line.fields(at: UInt8(ascii: ":"))
    if fields.count > 2 { known.append(fields[2]) }
  }
  var lacking: [(gid: UInt32, number: String, name: String?)] = []
  for gid in [user.gid] + user.groups {
    let number = "\(gid)"
    guard !known.contains(number[...]) else { continue }
    known.append(number[...])
    lacking.append((gid, number, nil))
  }
  guard !lacking.isEmpty else { return text }
  for line in hostGroups.lines {
    let fields = line.fields(at: UInt8(ascii: ":"))
    guard fields.count > 2, let place = lacking.firstIndex(where: { $0.number == fields[2] }) else {
      continue
    }
    if lacking[place].name == nil { lacking[place].name = String(fields[0]) }
  }
  let member = user.entry?.name ?? ""
  for (gid, number, name) in lacking {
    guard let name = name ?? (gid == user.gid ? user.entry?.name : nil) else { continue }
    lines.append("\(name):x:\(number):\(gid == user.gid ? "" : member)")
  }
  // Of an empty file nothing is made where the host knows no name either.
  return lines.isEmpty ? text : lines.connected(by: "\n") + "\n"
}
