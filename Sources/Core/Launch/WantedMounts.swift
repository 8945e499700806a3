internal import Linux
internal import Model
internal import Settings

/// Which mounts a request means, in the order in which they are made: kernel file systems, the site's binds, home, /tmp,
/// scratch, generated files, the user's binds by depth, and at last the working directory.
struct WantedMounts {
  let request: LaunchRequest
  let settings: Settings
  let host: HostFacts
  private(set) var mounts: [WantedMount] = []
  private(set) var notices: [Notice] = []
  /// Where the home directory is inside; nil: none is mounted.
  private(set) var home: String?

  /// Directories of the host that are never shown because the launch was started in them: the image has its own.
  private static let neverShown = [
    "/", "/etc", "/bin", "/mnt", "/usr", "/var", "/opt", "/sbin", "/lib", "/lib64",
  ]
  private static let mountNames = [
    "proc", "sys", "dev", "devpts", "home", "tmp", "hostfs", "cwd", "bind-paths",
  ]

  init(_ request: LaunchRequest, _ settings: Settings, _ host: HostFacts) throws(LaunchFault) {
    self.request = request
    self.settings = settings
    self.host = host
    for name in request.noMount where !Self.mountNames.contains(name) && !ContainerPath.isAbsolute(name) {
      notices.append(
        Notice(
          .warning,
          "ignoring --no-mount \(printable(name)): it is neither one of \(Self.mountNames.connected(by: ", ")), "
            + "nor the path of a default mount"))
    }
    if let work = request.workDirectory,
      host.kinds[ContainerPath.normalized(work, from: current)] != .directory
    {
      throw .workDirectoryMissing(path: work)
    }
    addKernelFileSystems()
    addHostFileSystems()
    try addSiteBinds()
    // A home below /tmp must not be covered by it.
    addTemporary()
    try addHome()
    try addScratch()
    try addGeneratedFiles()
    try addUserBinds()
    try addRequested()
    addWorkingDirectory()
  }

  /// Whether the mount is one of those that lie over the generated files.
  func comesAfterGeneratedFiles(_ mount: WantedMount) -> Bool {
    mount.reason == "--bind" || mount.reason == "the working directory"
      || request.requestedMounts.contains { $0.origin == mount.reason && $0.target == mount.target }
  }

  /// Whether the caller wants nothing shown at the target.
  func isLeftOut(_ target: String) -> Bool {
    request.requestedMounts.contains { $0.content == .nothing && ContainerPath.isBelow(target, $0.target) }
  }

  private var current: String { host.currentDirectory ?? "/" }

  /// Whether a default mount is wanted at all: by its name, or by its place.
  func isWanted(_ name: String) -> Bool {
    !request.noMount.contains { word in
      word == name || ContainerPath.isAbsolute(word) && ContainerPath.normalized(word) == name
    }
  }

  mutating func add(
    _ target: String, _ content: WantedMount.Content, directory: Bool, reason: String, optional: Bool = false,
    needsTarget: Bool = false, asked: Bool = false
  ) {
    if !asked, !isWanted(target) { return }
    if let there = mounts.first(where: { $0.target == target }) {
      // A home directory may be /tmp.
      if there.content == content { return }
      notices.append(Notice(.warning, "not mounting \(printable(target)) a second time (\(reason))"))
      return
    }
    mounts.append(
      WantedMount(
        target: target, content: content, isDirectory: directory, reason: reason, isOptional: optional,
        needsTarget: needsTarget, isAskedFor: asked))
  }

  private mutating func addSiteBinds() throws(LaunchFault) {
    guard isWanted("bind-paths"), !request.contain else { return }
    for text in settings.bindPaths {
      for bind in try BindGrammar.parse(bind: text, from: "/") {
        guard isWanted(bind.target), let kind = host.kinds[bind.source] else { continue }
        guard bind.imagePath == nil else {
          notices.append(
            Notice(
              .warning,
              "not showing \(printable(bind.source)): image-src and id are for --bind, not for bind path of apus.conf"
            ))
          continue
        }
        add(
          bind.target, .bind(source: bind.source, writable: bind.isWritable, devices: false),
          directory: kind == .directory,
          reason: "bind path of apus.conf", optional: true, needsTarget: true)
      }
    }
  }

  private mutating func addHome() throws(LaunchFault) {
    guard !request.hidesHome else { return }
    var source = host.home
    var target = homeInside(request, host: host)
    var reason = "the home directory"
    if let spec = request.homeSpec {
      let parts = spec.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard (1...2).contains(parts.count), !parts[0].isEmpty else {
        throw .homeSyntax(spec: spec, why: "it has more than two fields, or an empty one")
      }
      guard ContainerPath.isAbsolute(parts.last ?? "") else {
        throw .homeSyntax(spec: spec, why: "\"\(printable(parts.last ?? ""))\" is not an absolute path")
      }
      source = ContainerPath.normalized(parts[0], from: current)
      target = ContainerPath.normalized(parts.last ?? "")
      reason = "--home"
    } else if !settings.mountsHome {
      return
    }
    guard let source, let target, target != "/" else { return }
    guard request.homeSpec != nil || isWanted(target) else { return }
    home = target
    if request.contain, request.homeSpec == nil || parts(of: request.homeSpec) == 1 {
      if let work = request.workDirectory {
        let kept = ContainerPath.normalized(work, from: current) + "/home"
        add(
          target, .bind(source: kept, writable: true, devices: false), directory: true,
          reason: "home in --workdir", asked: request.homeSpec != nil)
      } else {
        add(
          target, .empty(mode: 0o700), directory: true, reason: "an empty home (--contain)",
          asked: request.homeSpec != nil)
      }
    } else if host.kinds[source] == .directory {
      // One's own may be shown elsewhere; another is a bind under another name.
      let isOwn = host.home.map { ContainerPath.normalized($0) == source } ?? false
      guard request.homeSpec == nil || isOwn || settings.allowsUserBinds else { throw .bindsForbidden }
      add(
        target, .bind(source: source, writable: true, devices: false), directory: true, reason: reason,
        asked: request.homeSpec != nil)
    } else if request.homeSpec != nil {
      add(
        target, .empty(mode: 0o700), directory: true, reason: "--home of a directory that does not exist",
        asked: true)
    } else {
      notices.append(
        Notice(
          .warning, "not showing the home directory \(printable(source)): it does not exist on this host"))
    }
  }

  private func parts(of spec: String?) -> Int { spec?.split(separator: ":").count ?? 0 }

  private mutating func addTemporary() {
    guard isWanted("tmp"), settings.mountsTemporary || request.contain else { return }
    for (path, kept) in [("/tmp", "tmp"), ("/var/tmp", "var_tmp")] {
      if request.contain {
        if let work = request.workDirectory {
          let source = ContainerPath.normalized(work, from: current) + "/" + kept
          add(
            path, .bind(source: source, writable: true, devices: false), directory: true,
            reason: "\(path) in --workdir")
        } else {
          add(path, .empty(mode: 0o1777), directory: true, reason: "an empty \(path) (--contain)")
        }
      } else if host.kinds[path] == .directory {
        add(
          path, .bind(source: path, writable: true, devices: false), directory: true,
          reason: "temporary files of the host")
      }
    }
  }

  private mutating func addScratch() throws(LaunchFault) {
    for target in request.scratch {
      guard ContainerPath.isAbsolute(target), ContainerPath.normalized(target) != "/" else {
        throw .scratchSyntax(target: target)
      }
      let place = ContainerPath.normalized(target)
      if let work = request.workDirectory {
        let source = ContainerPath.normalized(work, from: current) + "/scratch" + place
        add(
          place, .bind(source: source, writable: true, devices: false), directory: true,
          reason: "--scratch in --workdir", asked: true)
      } else {
        add(place, .empty(mode: 0o1777), directory: true, reason: "--scratch", asked: true)
      }
    }
  }

  /// passwd and group depend on the image: the planner adds them once it knows it.
  private mutating func addGeneratedFiles() throws(LaunchFault) {
    var contents = try reachableServers()
    var reason = "name servers of the host"
    if !request.nameServers.isEmpty {
      do throws(IsolationFault) { contents = try resolverConfiguration(request.nameServers) } catch {
        throw .isolation(error)
      }
      reason = "--dns"
      if !settings.writesResolverConfiguration {
        notices.append(
          Notice(.warning, "ignoring --dns: this site writes no /etc/resolv.conf (config resolv_conf = no)"))
      }
    }
    if settings.writesResolverConfiguration, isWanted("/etc/resolv.conf"),
      let contents
    {
      add(
        "/etc/resolv.conf", .file(contents, mode: 0o644), directory: false,
        reason: reason, optional: true)
    }
    if let name = request.hostName {
      addHosts(name)
      add(
        "/etc/hostname", .file(Array((name + "\n").utf8), mode: 0o644), directory: false,
        reason: "--hostname", optional: true)
    }
  }

  /// resolv.conf of the host, with servers that the container's network leads to.
  private mutating func reachableServers() throws(LaunchFault) -> [UInt8]? {
    guard let bytes = host.resolverConfiguration else { return nil }
    let choice: NetworkChoice
    do throws(NetworkFault) { choice = try NetworkChoice(request, settings, host) } catch {
      throw .isolation(.network(error))
    }
    switch choice {
    case .userMode(let tool, let program):
      let file = ResolverFile(bytes)
      return file.needsStandIn ? file.replaced(by: UserNetwork(tool, program: program).nameServer) : bytes
    case .plugins where request.nameServers.isEmpty && ResolverFile(bytes).isOfHostAlone:
      if let upstream = host.network?.upstreamResolver { return upstream }
      notices.append(
        Notice(
          .warning,
          "names will not be found: the name servers of the host are reached from itself only (see --dns)"))
      return bytes
    default: return bytes
    }
  }

  /// With the site's bind of the file in place of it, where there is one.
  private mutating func addHosts(_ name: String) {
    guard isWanted("/etc/hosts") else { return }
    let shown = mounts.firstIndex { $0.target == "/etc/hosts" }
    if let shown { mounts.remove(at: shown) }
    add(
      "/etc/hosts",
      .file(HostText.bytes(of: hostsFile(shown == nil ? nil : host.hosts, name: name)), mode: 0o644),
      directory: false, reason: "the name of --hostname", optional: true)
  }

  private mutating func addUserBinds() throws(LaunchFault) {
    var binds: [BindSpec] = []
    for text in request.binds { binds += try BindGrammar.parse(bind: text, from: current) }
    for text in request.mounts { binds.append(try BindGrammar.parse(mount: text, from: current)) }
    guard !binds.isEmpty else { return }
    guard settings.allowsUserBinds else { throw .bindsForbidden }
    // Parents first, so that a bind beneath another is not covered by it; the sort is stable by position.
    let ordered = binds.enumerated().sorted {
      let left = ContainerPath.components($0.element.target).count
      let right = ContainerPath.components($1.element.target).count
      return left == right ? $0.offset < $1.offset : left < right
    }
    for (_, bind) in ordered {
      let content: WantedMount.Content
      let kind: HostFacts.Kind
      if let path = bind.imagePath {
        (content, kind) = try shown(path, of: bind)
      } else {
        guard let found = host.kinds[bind.source] else {
          throw .bindSourceMissing(
            path: bind.source, spec: bind.text, refusal: host.refusals[bind.source])
        }
        kind = found
        content = .bind(
          source: bind.source, writable: bind.isWritable, devices: ContainerPath.isBelow(bind.source, "/dev"))
      }
      // What the user names wins over a default at the same place.
      if let index = mounts.firstIndex(where: { $0.target == bind.target && $0.reason != "--bind" }) {
        mounts.remove(at: index)
      }
      add(bind.target, content, directory: kind == .directory, reason: "--bind", asked: true)
    }
  }

  /// A path of a file system in a file.
  private mutating func shown(
    _ path: String, of bind: BindSpec
  ) throws(LaunchFault) -> (WantedMount.Content, HostFacts.Kind) {
    let image = try bind.image(host)
    guard let kind = host.imageKinds[image.key(of: path)] else {
      throw .fileImage(
        option: bind.option, spec: bind.text,
        why: "there is no \(printable(path)) in \(printable(bind.source))",
        remedy: "name a path of the image with image-src, or / for all of it")
    }
    if bind.asksToWrite, image.fileSystem == .squashfs {
      notices.append(
        Notice(.warning, "showing \(printable(bind.source)) read-only: a squashfs cannot be written to"))
    }
    return (.bindImage(image, path: path, writable: image.isWritable && bind.isWritable), kind)
  }

  private mutating func addRequested() throws(LaunchFault) {
    var places: [RequestedMount] = []
    for mount in request.requestedMounts {
      if mount.content == .nothing {
        mounts.removeAll { ContainerPath.isBelow($0.target, mount.target) }
        places.removeAll { ContainerPath.isBelow($0.target, mount.target) }
        continue
      }
      if !mount.isOfSite, !settings.allowsUserBinds { throw .bindsForbidden }
      if let source = mount.source, host.kinds[source] == nil {
        guard mount.isOptional else {
          throw .requestedSourceMissing(
            path: source, target: mount.target, origin: mount.origin, refusal: host.refusals[source])
        }
        continue
      }
      if let there = places.firstIndex(where: { $0.target == mount.target }) {
        // The last of the user's counts, and any of them more than the site's.
        if mount.isOfSite, !places[there].isOfSite { continue }
        places.remove(at: there)
      }
      places.append(mount)
    }
    let ordered = places.enumerated().sorted {
      let left = ContainerPath.components($0.element.target).count
      let right = ContainerPath.components($1.element.target).count
      return left == right ? $0.offset < $1.offset : left < right
    }
    for (_, mount) in ordered {
      let content: WantedMount.Content
      var isDirectory = true
      switch mount.content {
      case .bind(let source, let isWritable):
        isDirectory = host.kinds[source] == .directory
        content = .bind(
          source: source, writable: isWritable, devices: ContainerPath.isBelow(source, "/dev"))
      case .temporary(let options): content = .fileSystem(type: "tmpfs", options: options)
      case .nothing: continue
      }
      mounts.removeAll { $0.target == mount.target }
      add(
        mount.target, content, directory: isDirectory, reason: mount.origin, optional: mount.isOptional,
        asked: !mount.isOptional)
    }
  }

  private mutating func addWorkingDirectory() {
    guard isWanted("cwd"), !request.contain, settings.allowsUserBinds, request.workingDirectory == nil,
      !request.startsInImage
    else { return }
    guard let current = host.currentDirectory, !Self.neverShown.contains(current), !isLeftOut(current) else {
      return
    }
    guard !["/sys", "/proc", "/dev"].contains(where: { ContainerPath.isBelow(current, $0) }) else { return }
    // Shown already by a mount that keeps its place, and not hidden by one beneath.
    let above = mounts.filter { ContainerPath.isBelow(current, $0.target) }
    if let last = above.last, case .bind(let source, _, _) = last.content, source == last.target { return }
    guard above.isEmpty || above.last.map({ !$0.isOurs }) ?? true else { return }
    if request.hidesHome, let home = host.home, ContainerPath.isBelow(current, home) {
      notices.append(
        Notice(
          .info,
          "the working directory lies in the home directory, which is left out: starting in /"))
      return
    }
    add(
      current, .bind(source: current, writable: true, devices: false), directory: true,
      reason: "the working directory", optional: true)
  }
}
