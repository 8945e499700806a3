internal import Cache
internal import CommandLine
internal import Conversion
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import Reference
internal import Registry
internal import Settings

/// What a command that gets images works with: settings, words, network and cache, put together once.
struct ImageSupply {
  let settings: Settings
  let words: ImageWords
  let options: AcquisitionOptions
  let display: ProgressDisplay
  private let credentials: CredentialStore
  /// Where messages go: what programs read holds objects, warnings and failures only.
  let output: Output

  /// `needsCache`: something may have to be got. `tagSeconds`: how old the answer to what a tag points to may be; nil: as the site decides.
  init(
    _ parsed: Parsed, _ output: Output, beside target: String? = nil, needsCache: Bool = true,
    tagSeconds: Int? = 0
  ) throws(Failure) {
    do throws(SettingsFault) { settings = try Site.settings(parsed) } catch {
      throw Failure(error.explanation)
    }
    for notice in settings.notices { output.notice(notice) }
    do throws(ValueProblem) { words = try ImageWords(parsed, settings, beside: target, output) } catch {
      throw Failure(
        Explanation(
          what: "cannot \(parsed.command.name)", why: printable(error.text),
          remedy: "see apus help \(parsed.command.name)"), exit: ExitCode.usage)
    }
    var output = output
    if words.progress == .json { output.level = min(output.level, 0) }
    self.output = output
    let told = output
    let network = try Network(parsed, settings, output, asksWho: needsCache)
    var cache: CacheDirectory?
    if needsCache, words.usesCache {
      do throws(CacheFault) {
        let opened = try CacheDirectory.open(
          path: CacheLocation.path(variable), limit: settings.cacheBytes, stores: settings.imageStores)
        for notice in opened.notices { output.notice(notice) }
        cache = opened
      } catch { throw Failure(error.explanation) }
    }
    let display = ProgressDisplay(words.progress, output)
    var layers = SIFBuild.LayerOptions(writer: words.writer, memory: words.memory, cache: cache)
    layers.scratch = words.scratch
    layers.fixesPermissions = words.fixesPermissions
    layers.time = sourceDateEpoch()
    layers.progress = { display.tell($0) }
    layers.notice = { told.notice($0) }
    var options = AcquisitionOptions(
      platform: words.platform, scratch: words.scratch, layers: layers, network: network.network)
    options.cache = cache
    options.isOffline = words.isOffline
    options.tagSeconds = tagSeconds ?? settings.tagSeconds
    if tagSeconds == nil { options.keptWarnings = .verbose }
    self.options = options
    self.display = display
    credentials = network.credentials
  }

  /// What was found out about credentials on the way.
  func tellNotices() { for notice in credentials.takeNotices() { output.notice(notice) } }
}

/// SOURCE_DATE_EPOCH, in seconds since 1970 (reproducible-builds.org). What is no number is as good as none.
func sourceDateEpoch() -> UInt32? { variable("SOURCE_DATE_EPOCH").flatMap { UInt32($0) } }
