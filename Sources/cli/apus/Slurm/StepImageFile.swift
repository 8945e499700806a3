internal import Glibc
internal import ImageMount
internal import Launch
internal import Linux
internal import Messages
internal import Model
internal import NodeCache
internal import Settings
internal import StepOptions

/// From the name of a step's image to its open file: on this node's disk, where the site and the size say so.
///
/// What takes long (a registry, a copy) is the work of `apus-image`: this process becomes that one, which becomes this
/// program again with the image open. One process throughout, so that what ends the step ends it.
struct StepImageFile {
  let words: HelperWords
  let raw: [String]
  let variables: Variables
  let output: Output
  let options: StepOptions
  let site: SiteOptions
  let settings: Settings

  /// `name`: as the user or the named container has it. `directory`: where relative paths begin.
  func open(_ name: String, from directory: String) throws(StepFailure) -> ImageFile {
    if let handed = words.handed { return try image(handed) }
    let found = try resolve(name, from: directory)
    try checkLimits(found)
    switch found {
    // Its size is known when it is here: `apus-image` asks again then.
    case .reference(let reference):
      throw becomeImageProgram(reference, copies: options.stage != .direct)
    case .path(let path):
      // What the node has is known by what fstat says of the source: none of its bytes are read.
      if let copy = knownCopy(of: path) { return try image(copy) }
      let image = try image(path)
      if let same = SiteImages.equal(to: image, in: site.imagePath) { return try self.image(same) }
      return try staged(image) ?? image
    }
  }

  /// Copies the image to this node, or sees that it is there: no step is started. Returns only why not.
  func stage(_ name: String, from directory: String) throws(StepFailure) {
    let found = try resolve(name, from: directory)
    try checkLimits(found)
    guard case .path(let path) = found else {
      if case .reference(let reference) = found {
        throw becomeImageProgram(reference, verb: "stage")
      }
      return
    }
    let image = try image(path)
    guard let directory = site.cacheDirectory else {
      throw StepFailure(
        Explanation(
          what: "cannot copy the image to the nodes", why: "the site has no cache on them",
          remedy: "ask the administrator for cache_dir in plugstack.conf"))
    }
    if SiteImages.equal(to: image, in: site.imagePath) != nil
      || copy(image.facts, path: path, in: directory) != nil
    {
      removeIncoming(image.facts, in: directory)
      return
    }
    throw becomeImageProgram(path, verb: "stage", incoming(image.facts))
  }

  /// Sends the image to all nodes of the job, where that is the way it goes. Returns only why not.
  func broadcast(_ name: String, from directory: String) throws(StepFailure) {
    guard case .path(let path) = try resolve(name, from: directory), site.cacheDirectory != nil else {
      return
    }
    let image = try image(path)
    guard case .squashfs = image.kind, SiteImages.equal(to: image, in: site.imagePath) == nil,
      decision(for: image).way == .sbcast, let sbcast = SlurmPrograms.find("sbcast", variables)
    else { return }
    throw becomeImageProgram(path, verb: "broadcast", ["--sbcast", sbcast])
  }

  private func resolve(_ name: String, from directory: String) throws(StepFailure) -> StepImage {
    do throws(StepFault) {
      return try StepImage.resolve(
        name, origin: options.imageOrigin, directory: directory, imagePath: site.imagePath,
        exists: { (try? File.facts($0)) != nil })
    } catch { throw StepFailure(error) }
  }

  /// The site's limits hold for the file that was named, and not for a node's copy of it. What came from elsewhere is a
  /// SIF of the user's, in the user's cache.
  private func checkLimits(_ found: StepImage) throws(StepFailure) {
    guard settings.limitsImages else { return }
    switch found {
    case .path(let path):
      let source = try image(path)
      do throws(ImageLimitFault) { try source.checkLimits(settings) } catch { throw StepFailure(error) }
    case .reference(let reference):
      guard settings.limitsFiles || !settings.allowsSIF else { return }
      let cache = CachePath.of({ variables[$0] }, from: File.workingDirectory)
      let origin = surveyImageOrigin(
        ofReference: reference, cache: cache, uid: geteuid(), gid: getegid(), settings: settings)
      do throws(ImageLimitFault) { try checkImageLimits(origin, settings: settings) } catch {
        throw StepFailure(error)
      }
    }
  }

  private func image(_ path: String) throws(StepFailure) -> ImageFile {
    do throws(ImageFault) {
      let image = try ImageFile.open(path)
      try image.checkArchitecture(emulated: [])
      return image
    } catch { throw StepFailure(error) }
  }

  /// The node's copy of an image; nil: it is used where it lies.
  private func staged(_ image: ImageFile) throws(StepFailure) -> ImageFile? {
    guard site.cacheDirectory != nil, case .squashfs = image.kind else { return nil }
    let decision = decision(for: image)
    output.notice(
      Notice(.verbose, "\(words.node): staging: \(decision.way.rawValue) (\(decision.reason))"))
    guard decision.way != .direct else { return nil }
    throw becomeImageProgram(image.path, incoming(image.facts))
  }

  private func decision(for image: ImageFile) -> StageDecision {
    decision(path: image.path, size: image.facts.size, number: image.descriptor)
  }

  private func decision(path: String, size: Int, number: Int32) -> StageDecision {
    StagePolicy.decide(
      mode: isInStore(path) ? .direct : options.stage, size: size, isNodeLocal: isNodeLocal(number),
      hasCache: site.cacheDirectory != nil, nodes: words.nodes, sbcastMinimum: site.sbcastMinimum)
  }

  /// The copy of a file that is read from its copy, where the node has one.
  private func knownCopy(of path: String) -> String? {
    guard let directory = site.cacheDirectory,
      // Opened as the user: that they may read it is the proof that they may have the copy.
      let source = try? File.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY),
      let facts = try? File.facts(source), facts.kind == .file
    else { return nil }
    let way = decision(path: path, size: facts.size, number: source.number).way
    guard way != .direct, let copy = copy(facts, path: path, in: directory) else { return nil }
    if way == .sbcast { removeIncoming(facts, in: directory) }
    return copy
  }

  /// What was sent to a node that has the image: nobody will take it.
  private func removeIncoming(_ source: FileFacts, in directory: String) {
    IncomingFile.find(source, in: directory, uid: geteuid())?.remove()
  }

  /// The words that name a file which Slurm's broadcast has put here for the image.
  private func incoming(_ source: FileFacts) -> [String] {
    guard let directory = site.cacheDirectory,
      let file = IncomingFile.find(source, in: directory, uid: geteuid())
    else { return [] }
    return ["--incoming", file.path]
  }

  private func isInStore(_ path: String) -> Bool {
    site.imagePath.contains { ContainerPath.isBelow(path, $0) }
  }

  private func isNodeLocal(_ number: Int32) -> Bool {
    guard let file = try? File.open(Mount.path(of: number), O_PATH), let volume = try? Volume.of(file) else {
      return false
    }
    return volume.networkName == nil
  }

  /// What the node has already, open and locked. The cache's faults are told by whoever fills it; the digest of all
  /// bytes is that program's work too.
  private func copy(_ source: FileFacts, path: String, in directory: String) -> String? {
    guard options.verify != .full, let cache = try? NodeCache.open(directory),
      case .found(let copy)? = try? cache.find(
        ImageKey(source), options.verify == .sample ? .sample : .stat)
    else { return nil }
    let number = fcntl(copy.descriptor.number, F_DUPFD, 3)
    return number < 0 ? nil : HandedImage(number: number, path: path).text
  }

  /// Returns only why not. `copies`: to the node, where the site has a cache on it.
  private func becomeImageProgram(
    _ source: String, copies: Bool = true, verb: String = "start", _ more: [String] = []
  ) -> StepFailure {
    let program = Installation.imageProgram
    var all = [program, "slurm-helper", verb] + raw.dropFirst(2)
    all += ["--source", source, "--verify", options.verify.rawValue, "--quiet", site.isQuiet ? "on" : "off"]
    if copies, let directory = site.cacheDirectory {
      all += [
        "--cache-dir", directory, "--cache-max", site.cacheMaximum.text, "--min-free",
        "\(site.minimumFree)", "--on-full", site.whenFull.rawValue,
      ]
    }
    if verb == "stage" { all += ["--node", words.node, "--nodeid", "\(words.nodeNumber)"] }
    let cause = Process.become(program, all + more, environment: variables.all)
    return StepFailure(
      Explanation(
        what: "cannot start \(program)", why: errorText(cause.number),
        remedy: "the installation on this node is incomplete: install it anew (make install)"))
  }
}
