internal import Glibc
public import Linux
internal import Model
public import Settings

/// Looks at the host for what a request needs: each path once. Touching sources of binds here, in the host's mount
/// namespace, lets automounts fire. `enters`: for a program of a container that stands already.
public func surveyHost(
  _ request: LaunchRequest, settings: Settings, user: User, variables: Variables, isPrivileged: Bool,
  enters: Bool = false
) throws(LaunchFault) -> HostFacts {
  let current = currentDirectory(variables)
  var facts = HostFacts(
    user: user, currentDirectory: current, variables: variables, kinds: [:], isPrivileged: isPrivileged)
  var paths: [String] = []
  if !request.contain {
    paths += ["/tmp", "/var/tmp"]
    for text in settings.bindPaths {
      if let binds = try? BindGrammar.parse(bind: text, from: "/") { paths += binds.map(\.source) }
    }
  }
  if settings.mountsHostFileSystems, !request.contain {
    facts.fileSystems =
      (try? File.readAll("/proc/self/mountinfo", limit: 16 << 20)).map {
        hostFileSystems(mountInformation: HostText.decode($0))
      } ?? []
    paths += facts.fileSystems
  }
  if let home = facts.home { paths.append(home) }
  let base = current ?? "/"
  if let spec = request.homeSpec, let source = spec.split(separator: ":").first {
    paths.append(ContainerPath.normalized(String(source), from: base))
  }
  if let work = request.workDirectory { paths.append(ContainerPath.normalized(work, from: base)) }
  var binds: [BindSpec] = []
  for text in request.binds { binds += (try? BindGrammar.parse(bind: text, from: base)) ?? [] }
  for text in request.mounts {
    if let bind = try? BindGrammar.parse(mount: text, from: base) { binds.append(bind) }
  }
  paths += binds.map(\.source)
  paths += request.requestedMounts.compactMap(\.source)
  for overlay in request.overlays {
    paths.append(ContainerPath.normalized(OverlaySpec(overlay).path, from: base))
  }
  if !request.security.isEmpty { facts.securityModules = securityModules() }
  // systemd mounts it when somebody looks.
  if isPrivileged, !request.contain { paths.append(BinaryFormats.register) }
  if MaskedPaths.apply(to: request) { paths += MaskedPaths.all }
  for path in paths where facts.kinds[path] == nil {
    do throws(SystemCallFault) {
      facts.kinds[path] = try File.facts(path).kind == .directory ? .directory : .other
    } catch {
      if error.number != ENOENT, error.number != ENOTDIR { facts.refusals[path] = errorText(error.number) }
    }
  }
  surveyImages(binds, request, base, &facts)
  if settings.writesResolverConfiguration {
    facts.resolverConfiguration = try? File.readAll("/etc/resolv.conf", limit: 1 << 20)
  }
  facts.network = surveyNetwork(
    request, settings, variables: variables, resolver: facts.resolverConfiguration,
    isPrivileged: isPrivileged)
  if request.hostName != nil { facts.hosts = hosts(request, settings) }
  if request.contain || settings.deviceMount == .minimal { facts.terminal = terminal() }
  // ENXIO: there is none (tty(4)).
  if request.contain || enters {
    facts.hasTerminal = (try? File.open("/dev/tty", O_RDONLY | O_NOCTTY)) != nil
  }
  if settings.writesGroup, user.uid != 0 {
    facts.groups =
      ((try? File.readAll("/etc/group", limit: 16 << 20)).map { String(decoding: $0, as: UTF8.self) }) ?? ""
  }
  for path in request.environmentFiles {
    do throws(SystemCallFault) {
      let text = String(decoding: try File.readAll(path, limit: 1 << 20), as: UTF8.self)
      facts.environmentFiles.append(EnvironmentText(path: path, text: text))
    } catch { throw .environmentFileUnreadable(path: path, why: errorText(error.number)) }
  }
  if !request.limits.isEmpty {
    facts.controlGroups = surveyControlGroups()
    if let path = request.limits.values["apply-cgroups"] { facts.limitsText = try limitsText(path) }
    for (path, _) in request.limits.deviceWeights {
      guard let device = try? File.facts(path), device.kind == .block else { continue }
      facts.blockDevices[path] = "\(device.representedDevice.major):\(device.representedDevice.minor)"
    }
  }
  if request.writableTemporary || request.contain || !request.scratch.isEmpty {
    facts.memoryBytes = Memory.limit
  }
  return facts
}

private func securityModules() -> [SecurityLabel.Module] {
  var modules: [SecurityLabel.Module] = []
  let switched = try? File.readAll("/sys/module/apparmor/parameters/enabled", limit: 64)
  if switched?.first == UInt8(ascii: "Y") { modules.append(.appArmor) }
  if (try? File.facts("/sys/fs/selinux/enforce")) != nil { modules.append(.seLinux) }
  return modules
}

/// Files with file systems in them: each opened once, under whatever names, for writing where any use of it writes. Two
/// descriptors would bar each other by their locks.
private func surveyImages(
  _ binds: [BindSpec], _ request: LaunchRequest, _ base: String, _ facts: inout HostFacts
) {
  var uses: [(path: String, writes: Bool)] = []
  for bind in binds where bind.imagePath != nil { uses.append((bind.source, bind.asksToWrite)) }
  for spec in request.overlays.map(OverlaySpec.init) {
    let path = ContainerPath.normalized(spec.path, from: base)
    if facts.kinds[path] == .other { uses.append((path, !spec.isReadOnly)) }
  }
  let identities = uses.map { try? File.facts($0.path) }
  func isSame(_ one: Int, _ other: Int) -> Bool {
    guard let left = identities[one], let right = identities[other] else {
      return uses[one].path == uses[other].path
    }
    return left.device == right.device && left.inode == right.inode
  }
  for (place, use) in uses.enumerated() where facts.images[use.path] == nil {
    if let before = uses.indices.prefix(place).first(where: { isSame($0, place) }) {
      facts.images[use.path] = facts.images[uses[before].path]
    } else {
      let writes = uses.indices.contains { isSame($0, place) && uses[$0].writes }
      facts.images[use.path] = surveyFileImage(use.path, writes: writes)
    }
  }
}

private func limitsText(_ path: String) throws(LaunchFault) -> String {
  do throws(SystemCallFault) {
    return String(decoding: try File.readAll(path, limit: 1 << 20), as: UTF8.self)
  } catch { throw .isolation(.limitsFile(path: path, why: errorText(error.number))) }
}

/// The text of what the site shows as /etc/hosts.
private func hosts(_ request: LaunchRequest, _ settings: Settings) -> String? {
  guard !request.contain else { return nil }
  for text in settings.bindPaths {
    guard let binds = try? BindGrammar.parse(bind: text, from: "/") else { continue }
    for bind in binds where bind.target == "/etc/hosts" {
      return (try? File.readAll(bind.source, limit: 1 << 20)).map { HostText.decode($0) }
    }
  }
  return nil
}

/// The terminal behind the first of the standard descriptors that is one.
private func terminal() -> String? {
  for number in [0, 1, 2] as [Int32] where isatty(number) == 1 {
    // A terminal of another mount namespace has no path here: then the link's text names none, or another device.
    guard let path = try? File.target(ofLink: Mount.path(of: number)),
      let there = try? File.facts(path), there.kind == .character,
      let here = try? File.facts("", from: number), here.inode == there.inode, here.device == there.device
    else { continue }
    return path
  }
  return nil
}

/// The working directory by the name the user knows it under: $PWD where that is the same directory.
private func currentDirectory(_ variables: Variables) -> String? {
  if let named = variables["PWD"], ContainerPath.isAbsolute(named), ContainerPath.normalized(named) == named,
    let there = try? File.facts(named), let here = try? File.facts("."), there.inode == here.inode,
    there.device == here.device
  {
    return named
  }
  return try? File.target(ofLink: "/proc/self/cwd")
}
