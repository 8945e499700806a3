internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import Settings
internal import StepOptions

/// `apus slurm-helper check|start|stage|broadcast|end`: what the SPANK plugin starts. Not for people, so it is in no list
/// of commands.
func runSlurmHelper(_ raw: [String], _ variables: Variables, _ output: Output) -> Int32 {
  guard raw.count > 1, var words = HelperWords(raw[2...]) else {
    return output.fatal(
      Explanation(
        what: "cannot help Slurm's plugin",
        why: "its words are not understood: the plugin is of another version",
        remedy: "install both from one version: apus slurm install"),
      exit: ExitCode.jobStep)
  }
  if raw[1] == "stage" { words.take(variables) }
  var output = output
  // Many nodes write to one terminal.
  if ["start", "stage"].contains(raw[1]) { output.node = words.node }
  if (try? SiteOptions(words: words.site))?.isQuiet == true { output.level = -1 }
  switch raw[1] {
  case "check": return checkStep(words, variables, output)
  case "start": return StepStart(words: words, raw: raw, variables: variables, output: output).run()
  case "stage", "broadcast": return stageImage(words, raw, variables, output)
  default: return endJob(words)
  }
}

/// In srun, sbatch and salloc: says what is wrong with the options before anything is allocated.
private func checkStep(_ words: HelperWords, _ variables: Variables, _ output: Output) -> Int32 {
  do throws(StepFault) {
    let (site, options) = try words.read(variables)
    // With a container the nodes say them.
    if !options.isWanted { for notice in options.notices { output.notice(notice) } }
    guard let name = options.image else { return 0 }
    let image = try StepImage.resolve(
      name, origin: options.imageOrigin, directory: stepDirectory(variables), imagePath: site.imagePath,
      exists: { (try? File.facts($0)) != nil })
    // A path may be one of the nodes only: said, not refused.
    if case .path(let path) = image, (try? File.facts(path)) == nil {
      output.notice(
        Notice(.warning, "there is no \(printable(path)) on this host; the nodes may have it"))
    }
    return 0
  } catch {
    // Left to the node, whose exit code says that the fault is not the program's: 125.
    if case .notInThisVersion = error { return 0 }
    return output.fatal(error.explanation, exit: ExitCode.usage)
  }
}

/// `stage`: copies the image to this node, without a step. `broadcast`: in srun, sends it to all nodes of the job.
private func stageImage(
  _ words: HelperWords, _ raw: [String], _ variables: Variables, _ output: Output
) -> Int32 {
  let directory = stepDirectory(variables)
  do throws(StepFailure) {
    let (site, options): (SiteOptions, StepOptions)
    do throws(StepFault) { (site, options) = try words.read(variables) } catch { throw StepFailure(error) }
    guard let name = options.image else { return 0 }
    let settings: Settings
    do throws(SettingsFault) {
      settings = try Settings.read(Installation.settingsFile, isRequired: false)
    } catch { throw StepFailure(error) }
    let file = StepImageFile(
      words: words, raw: raw, variables: variables, output: output, options: options, site: site,
      settings: settings)
    if raw[1] == "stage" {
      try file.stage(name, from: directory)
    } else {
      try file.broadcast(name, from: directory)
    }
    return 0
  } catch {
    // The nodes will say what is wrong with an image, and copy it themselves.
    if raw[1] == "broadcast" { return 0 }
    return output.fatal(error.explanation, exit: ExitCode.jobStep)
  }
}

/// After a job: takes away what its named containers have written on this node, as the user.
private func endJob(_ words: HelperWords) -> Int32 {
  guard let job = words.job, !job.isEmpty, job.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
    let site = try? SiteOptions(words: words.site)
  else { return 0 }
  let place = site.runtimeDirectory + "/\(geteuid())"
  guard let folder = try? File.open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return 0 }
  DirectoryRemoval.remove(Array(job.utf8), in: folder.number)
  // Goes with the last job of the user on this node.
  _ = unsafe rmdir(place)
  return 0
}
