internal import Doctor
internal import Glibc
internal import Linux
internal import Model
internal import NodeSetup
internal import PluginStamp
internal import Settings
internal import StepOptions

/// Looks at this host for `apus slurm doctor`. Changes nothing.
enum SlurmNodeSurvey {
  static func facts(
    _ variables: Variables, configuration: String?, expected: String, isSubmitHost: Bool
  ) -> SlurmNodeFacts {
    let site = SlurmSite(configuration: configuration, variables)
    var facts = SlurmNodeFacts()
    facts.isSubmitHost = isSubmitHost
    facts.expected = expected
    facts.slurm = SlurmPrograms.version(variables, configuration: site.configuration)
    facts.stack = site.stack
    facts.hasStack = site.hasStack
    if let line = site.line, let path = site.pluginPath {
      facts.lineFile = site.lineFile
      facts.isRequired = line.isRequired
      facts.pluginPath = path
      facts.plugin = plugin(path)
      var options = SiteOptions()
      do throws(StepFault) { options = try SiteOptions(words: line.words) } catch {
        facts.lineFault = error.explanation
      }
      addHelper(&facts, options)
      facts.runtime = directory(options.runtimeDirectory)
      if let path = options.cacheDirectory {
        facts.cache = directory(path)
        facts.minimumFree = options.minimumFree
      }
    }
    if !isSubmitHost {
      facts.node = NodeSurvey.facts(
        user: User.current(cache: nil), xdg: variables["XDG_RUNTIME_DIR"], searchPath: variables["PATH"])
    }
    return facts
  }

  private static func plugin(_ path: String) -> SlurmNodeFacts.Plugin {
    do {
      let bytes = try File.readAll(path, limit: PluginStamp.sizeLimit)
      return .stamped(try PluginStamp(bytes).version, isOpen: firstOpen(path))
    } catch let fault as SystemCallFault { return .unreadable(fault.number) } catch {
      return .noPlugin((error as? PluginFault)?.explanation ?? Explanation(what: "", why: "it is no plugin"))
    }
  }

  /// The first of a file and the directories above it, links on the way included, that others than root can change.
  private static func firstOpen(_ path: String) -> String? {
    var places = [path]
    if let target = try? File.target(ofLink: path) {
      places.append(ContainerPath.normalized(target, from: ContainerPath.parent(path)))
    }
    for start in places {
      var place = start
      while place != "/" {
        if let facts = try? File.facts(place) {
          // In a directory with the sticky bit nobody can replace what is root's.
          let isSticky = facts.kind == .directory && facts.mode & 0o1000 != 0
          if facts.uid != 0 || (facts.mode & 0o002 != 0 && !isSticky) { return place }
        }
        place = ContainerPath.parent(place)
      }
    }
    return nil
  }

  private static func addHelper(_ facts: inout SlurmNodeFacts, _ options: SiteOptions) {
    facts.helper = options.helper
    let said = try? Process.output(
      of: facts.helper, ["version"], environment: ["PATH=/usr/bin:/bin"], input: [], limit: 1024, seconds: 10)
    if let said, said.code == 0 {
      facts.helperVersion = String(decoding: said.bytes.prefix { $0 > 0x20 }, as: UTF8.self)
    }
  }

  private static func directory(_ path: String) -> SlurmNodeFacts.Directory {
    var directory = SlurmNodeFacts.Directory(path: path)
    guard let facts = try? File.facts(path), facts.kind == .directory else { return directory }
    directory.mode = facts.mode
    if let opened = try? File.open(path, O_RDONLY | O_DIRECTORY), let volume = try? Volume.of(opened) {
      directory.free = volume.free
      directory.networkName = volume.networkName
    }
    return directory
  }
}
