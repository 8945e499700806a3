internal import Glibc
internal import ImageMount
internal import Linux
internal import Messages
internal import Model
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

  /// `name`: as the user or the named container has it. `directory`: where relative paths begin.
  func open(_ name: String, from directory: String) throws(StepFailure) -> ImageFile {
    if let handed = words.handed { return try image(handed) }
    let found: StepImage
    do throws(StepFault) {
      found = try StepImage.resolve(
        name, origin: options.imageOrigin, directory: directory, imagePath: site.imagePath,
        exists: { (try? File.facts($0)) != nil })
    } catch { throw StepFailure(error) }
    switch found {
    // Its size is known when it is here: `apus-image` asks again then.
    case .reference(let reference): throw becomeImageProgram(reference, way: options.stage == .direct ? .direct : .node)
    case .path(let path):
      let image = try image(path)
      return try staged(image) ?? image
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
    return nil
  }

  /// Returns only why not.
  private func becomeImageProgram(_ source: String, way: StageDecision.Way) -> StepFailure {
    let program = Installation.imageProgram
    let all = [program] + raw + ["--source", source, "--stage", way.rawValue, "--verify", options.verify.rawValue]
    let cause = Process.become(program, all, environment: variables.all)
    return StepFailure(
      Explanation(
        what: "cannot start \(program)", why: errorText(cause.number),
        remedy: "the installation on this node is incomplete: install it anew (make install)"))
  }
}
