internal import Linux
internal import Model

/// Whether the program is to be root of a user namespace of its own: for root there is nothing to fake.
public func mapsRoot(_ request: LaunchRequest, host: HostFacts) -> Bool {
  request.fakeroot && host.user.uid != 0
}

/// Where the user's home directory is inside: root's is at the place that the image's passwd says.
func homeInside(_ request: LaunchRequest, host: HostFacts) -> String? {
  mapsRoot(request, host: host) ? "/root" : host.home
}

/// Who the program is and what it may do: `--fakeroot`, `--no-privs`, `--keep-privs`, `--add-caps`, `--drop-caps`,
/// `--security`.
///
/// Capabilities are limited for good: bounding, permitted, inheritable and ambient set. Another user starts with none, as
/// programs of that user do; what `--add-caps` names it gets as ambient ones.
func planRights(
  _ request: LaunchRequest, host: HostFacts, image: ImageFacts, notices: inout [Notice]
) throws(IsolationFault) -> RightsPlan {
  var rights = RightsPlan(isMappedRoot: mapsRoot(request, host: host))
  var reasons: [String] = []
  if request.fakeroot { reasons.append("--fakeroot") }
  if rights.isMappedRoot {
    notices.append(
      Notice(
        .info,
        "--fakeroot: the container knows root, who is you, and nobody else; giving files to other users and becoming"
          + " one (chown, su, apt's _apt) does not work"))
  }
  let isRoot = host.user.uid == 0 || rights.isMappedRoot
  if request.keepPrivileges, !isRoot { throw .rootOnly(option: "--keep-privs") }
  rights.identity = try identity(request, host: host, image: image)
  if rights.identity != nil { reasons.append("--security") }
  let added = try Capabilities.bits(request.addedCapabilities, option: "--add-caps")
  let dropped = try Capabilities.bits(request.droppedCapabilities, option: "--drop-caps")
  guard isRoot else {
    // To give up what one does not have is no failure.
    if added & ~dropped != 0 {
      notices.append(
        Notice(
          .warning, "not adding capabilities (\(Capabilities.text(added & ~dropped))): you are not root"))
    }
    rights.reason = reasons.connected(by: " ")
    return rights
  }
  let isOther = (rights.identity?.uid ?? 0) != 0
  for (option, isGiven) in [
    ("--no-privs", request.noPrivileges), ("--keep-privs", request.keepPrivileges),
    ("--add-caps", added != 0), ("--drop-caps", dropped != 0),
  ] where isGiven { reasons.append(option) }
  if isOther || request.noPrivileges || dropped != 0 {
    let hasNone = request.noPrivileges || (isOther && !request.keepPrivileges)
    rights.capabilities = ((hasNone ? 0 : Capabilities.all) | added) & ~dropped
  }
  rights.reason = reasons.connected(by: " ")
  return rights
}

/// The user of `--security uid:,gid:`. A uid alone gets the group that the image's passwd has for it, else the group of
/// the same number: root's own is not for another user.
private func identity(
  _ request: LaunchRequest, host: HostFacts, image: ImageFacts
) throws(IsolationFault) -> RightsPlan.Identity? {
  var uid: UInt32?
  var groups: [UInt32] = []
  for word in request.security {
    let parts = word.fields(at: UInt8(ascii: ":")).map(String.init)
    // UInt32.max is "no change" to the kernel.
    let numbers = parts.dropFirst().compactMap { UInt32($0) }.filter { $0 != .max }
    switch parts[0] {
    case "uid" where numbers.count == 1 && parts.count == 2: uid = numbers[0]
    case "gid" where !numbers.isEmpty && numbers.count == parts.count - 1: groups = numbers
    case "seccomp": throw .securityModule(name: "seccomp", word: word, isInKernel: true)
    case "apparmor":
      throw .securityModule(
        name: "AppArmor", word: word, isInKernel: host.kinds[SecurityModule.appArmor] != nil)
    case "selinux":
      throw .securityModule(
        name: "SELinux", word: word, isInKernel: host.kinds[SecurityModule.seLinux] != nil)
    default: throw .securitySyntax(word: word)
    }
  }
  guard uid != nil || !groups.isEmpty else { return nil }
  guard host.isPrivileged else { throw .rootOnly(option: "--security") }
  let user = uid ?? 0
  let known = image.passwd.flatMap { PasswordEntry.find(uid: user, in: $0) }
  return RightsPlan.Identity(
    uid: user, gid: groups.first ?? known?.gid ?? user, groups: Array(groups.dropFirst()))
}

/// Where the kernel shows that it has a security module switched on.
enum SecurityModule {
  static let appArmor = "/sys/kernel/security/apparmor"
  static let seLinux = "/sys/fs/selinux/enforce"
}
