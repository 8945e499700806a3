import Model
import Settings

@testable import StepOptions

/// Options as tests write them.
enum Given {
  static func options(
    _ words: [(String, String)], _ variables: [String] = [], site: SiteOptions = SiteOptions(),
    directory: String = "/work/job"
  ) throws(StepFault) -> StepOptions {
    try StepOptions(
      words: words.map { (name: $0.0, value: $0.1) }, variables: Variables(variables), site: site,
      directory: directory)
  }

  /// With an image named.
  static func image(
    _ words: [(String, String)] = [], _ variables: [String] = [], site: SiteOptions = SiteOptions()
  ) throws(StepFault) -> StepOptions {
    try options([("container-image", "/i.sif")] + words, variables, site: site)
  }

  static let pyxis: SiteOptions = {
    var site = SiteOptions()
    site.defaults = .pyxis
    return site
  }()
}
