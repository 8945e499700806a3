internal import CommandLine
internal import Conversion
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import NodeCache
internal import Reference
internal import Staging

/// `apus-image slurm-helper start`: what a job step must wait for before it can be launched. Gets the image of a
/// reference, copies the image to the node, and becomes the launcher again, which is handed the open file. It stays one
/// process throughout: when the step is killed, so is this.
///
/// `slurm-helper stage` takes the same words and ends when the copy is there.
func runSlurmStage(_ words: [String], isLaunch: Bool, _ output: Output) -> Int32 {
  let staging: StagingWords
  do throws(ValueProblem) { staging = try StagingWords(words) } catch {
    return output.fatal(
      Explanation(
        what: "cannot prepare the job step", why: printable(error.text),
        remedy: "the installation on this node is of two versions: install it anew (make install)"),
      exit: ExitCode.jobStep)
  }
  var output = output
  let isQuiet = staging.isQuiet || variable("APUS_PROGRESS") == "0"
  if isQuiet { output.level = min(output.level, -1) }
  output.node = printable(staging.node)
  do throws(Failure) {
    let image = try SlurmImage(staging, output, isQuiet: isQuiet, mustStage: !isLaunch).ready()
    if !isLaunch { return 0 }
    throw becomeLauncher(["slurm-helper", "start"] + staging.rest + ["--handed", image])
  } catch { return output.fatal(error.explanation, exit: ExitCode.jobStep) }
}

private struct SlurmImage {
  private let words: StagingWords
  private let output: Output
  private let isQuiet: Bool
  /// Nothing is gained by an image in place.
  private let mustStage: Bool

  init(_ words: StagingWords, _ output: Output, isQuiet: Bool, mustStage: Bool) {
    self.words = words
    self.output = output
    self.isQuiet = isQuiet
    self.mustStage = mustStage
  }

  /// The image as the launcher takes it: `descriptor:NUMBER:PATH`.
  func ready() throws(Failure) -> String {
    guard ContainerPath.isAbsolute(words.source) else { return try acquired() }
    let file: Descriptor
    do throws(SystemCallFault) {
      // Not blocking, so that a FIFO is refused instead of waited for.
      file = try File.open(words.source, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    } catch { throw Failure(StagingFault.source(name: words.source, error).explanation) }
    return try placed(file.number, path: words.source, reopens: words.source, key: nil)
  }

  /// Gets what a reference names. All nodes ask the user's cache, whose locks see to it that one of them gets it.
  private func acquired() throws(Failure) -> String {
    let parsed: Parsed
    do throws(UsageFault) { parsed = try Parser().parse(["run", words.source], environment: variable) } catch
    {
      let text = error.text
      throw Failure(
        Explanation(what: printable(text.what), why: printable(text.why), remedy: printable(text.remedy)))
    }
    let source = try imageSource(words.source)
    // The first node tells how far it is; a hundred others would say that they wait for it.
    var quieter = output
    if words.nodeID > 0 { quieter.level = min(quieter.level, 0) }
    let supply = try ImageSupply(parsed, quieter, tagSeconds: nil)
    let delivery = Delivery(supply.options)
    let image: AcquiredImage?
    do throws(BuildFault) { image = try delivery.cached(source) } catch { throw Failure(error.explanation) }
    guard let image else {
      // Without a cache it has no name, and lies on the node already.
      let file: Descriptor
      do throws(BuildFault) { file = try delivery.unnamed(source) } catch { throw Failure(error.explanation) }
      supply.display.finish()
      supply.tellNotices()
      return try keep(file.number, path: words.source)
    }
    supply.display.finish()
    supply.tellNotices()
    // Objects of the cache are what their name says; their times change with use.
    let key = ImageKey(object: ContainerPath.lastComponent(image.path), size: image.size)
    return try placed(image.descriptor.number, path: image.path, reopens: nil, key: key)
  }

  /// The image itself, or its copy on this node. `reopens`: where another file could take its place.
  private func placed(
    _ number: Int32, path: String, reopens: String?, key: ImageKey?
  ) throws(Failure) -> String {
    guard let directory = words.cacheDirectory,
      (try? File.facts("", from: number))?.kind != .directory
    else { return try keep(number, path: path) }
    let copy: StagedImage
    do throws(StagingFault) {
      copy = try staged(number, in: directory, reopens: reopens, key: key)
    } catch {
      let why = error.explanation
      guard error.leavesSource, words.directWhenFull, !mustStage else { throw Failure(why) }
      let start = words.node.isEmpty ? "" : printable(words.node) + ": "
      output.notice(Notice(.warning, "\(start)\(why.what): \(why.why). The image is used where it lies"))
      return try keep(number, path: path)
    }
    return try keep(copy.descriptor.number, path: path)
  }

  private func staged(
    _ number: Int32, in directory: String, reopens: String?, key: ImageKey?
  ) throws(StagingFault) -> StagedImage {
    var staging = try Staging(number, name: words.source, key: key)
    staging.path = reopens
    staging.verification = words.verification
    staging.expected = words.expected
    staging.incoming = words.incoming
    staging.limits = words.limits
    staging.node = words.node
    staging.nodeID = words.nodeID
    staging.job = variable("SLURM_JOB_ID") ?? ""
    // Bytes a second, for tests of what happens meanwhile.
    staging.rate = variable("APUS_STAGE_RATE").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    if !isQuiet { staging.say = { [output] line in output.progress(line + "\n") } }
    return try staging.stage(in: try cache(directory))
  }

  private func cache(_ directory: String) throws(StagingFault) -> NodeCache {
    do throws(NodeCacheFault) {
      let cache = try NodeCache.open(directory)
      if words.nodeID == 0 { for notice in try cache.notices() { output.notice(notice) } }
      return cache
    } catch { throw .cache(error) }
  }
}
