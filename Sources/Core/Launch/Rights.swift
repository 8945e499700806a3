internal import Linux
internal import Model

/// Whether the program is to be root of a user namespace of its own: for root there is nothing to fake.
public func mapsRoot(_ request: LaunchRequest, host: HostFacts) -> Bool {
  request.fakeroot && host.user.uid != 0
}

/// What the user is told of the users that `--fakeroot` gives the container.
func fakerootNotices(_ request: LaunchRequest, host: HostFacts) -> [Notice] {
  guard mapsRoot(request, host: host) else { return [] }
  return (host.fakeroot ?? FakerootPlan(reason: "it has a map of one user")).allNotices
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
  if rights.isMappedRoot { rights.ids = host.fakeroot?.ids }
  let isRoot = host.user.uid == 0 || rights.isMappedRoot
  if request.keepPrivileges, !isRoot { throw .rootOnly(option: "--keep-privs") }
  (rights.filter, rights.label) = try confinement(request, host: host)
  rights.cannotType = host.hasTerminal
  rights.identity = try identity(request, host: host, image: image, ids: rights.ids)
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
  _ request: LaunchRequest, host: HostFacts, image: ImageFacts, ids: IDMap?
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
    case "seccomp" where parts.count > 1, "apparmor" where parts.count > 1, "selinux" where parts.count > 1:
      continue
    default: throw .securitySyntax(word: word)
    }
  }
  guard uid != nil || !groups.isEmpty else { return nil }
  guard host.isPrivileged || ids != nil else { throw .rootOnly(option: "--security") }
  let user = uid ?? 0
  let known = image.passwd.flatMap { PasswordEntry.find(uid: user, in: $0) }
  let chosen = RightsPlan.Identity(
    uid: user, gid: groups.first ?? known?.gid ?? user, groups: Array(groups.dropFirst()))
  if let ids,
    chosen.uid >= ids.userCount || !([chosen.gid] + chosen.groups).allSatisfy({ $0 < ids.groupCount })
  {
    throw .unmapped(uid: chosen.uid, gids: [chosen.gid] + chosen.groups, ids)
  }
  return chosen
}

/// What confines the program beside who it is.
private func confinement(
  _ request: LaunchRequest, host: HostFacts
) throws(IsolationFault) -> (CallFilterPlan?, SecurityLabel?) {
  var label: SecurityLabel?
  for word in request.security {
    for (name, module) in [("apparmor", SecurityLabel.Module.appArmor), ("selinux", .seLinux)] {
      guard let text = request.securityValue(of: name, in: word) else { continue }
      // A NUL or a newline would end it for the kernel.
      guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 }) else { throw .securitySyntax(word: word) }
      guard host.securityModules.contains(module) else {
        throw .securityModule(name: module.rawValue, word: word)
      }
      label = SecurityLabel(module, text)
    }
    if let path = request.securityValue(of: "seccomp", in: word) {
      guard !path.isEmpty else { throw .securitySyntax(word: word) }
      precondition(request.callFilter != nil, "a profile is made into a filter before a launch is planned")
    }
  }
  return (request.callFilter, label)
}

extension LaunchRequest {
  /// The rest of a word of `--security` behind `name:`; nil for another word.
  func securityValue(of name: String, in word: String) -> String? {
    word.starts(withBytesOf: name + ":") ? String(word.utf8.dropFirst(name.utf8.count + 1)) ?? "" : nil
  }

  /// The profile of system calls that is asked for; the last counts.
  public var callProfile: String? {
    security.compactMap { securityValue(of: "seccomp", in: $0) }.last { !$0.isEmpty }
  }

  /// What the program may do in its user namespace, as `CAP_KILL`: profiles have rules that depend on it.
  /// `isRoot`: the caller is.
  public func capabilityNames(isRoot: Bool) -> [String] {
    guard isRoot || fakeroot,
      let added = try? Capabilities.bits(addedCapabilities, option: ""),
      let dropped = try? Capabilities.bits(droppedCapabilities, option: "")
    else { return [] }
    let other = security.last { $0.starts(withBytesOf: "uid:") }.map { $0 != "uid:0" } ?? false
    let hasNone = noPrivileges || (other && !keepPrivileges)
    return Capabilities.names(((hasNone ? 0 : Capabilities.all) | added) & ~dropped)
  }
}
