internal import CommandLine
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import NodeSetup
internal import PluginStamp
internal import Settings

/// `apus slurm install`: gives the Slurm of this host the plugin of this installation.
func runSlurmInstall(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  let isDry = parsed.isOn("dry-run")
  guard isDry || geteuid() == 0 else {
    return output.fatal(
      Explanation(
        what: "cannot install the plugin", why: "only root may change what Slurm loads",
        remedy: "run it as root, or see with --dry-run what it would do"))
  }
  let site = SlurmSite(configuration: parsed.value("slurm-conf"), variables)
  guard let version = slurmVersion(parsed, variables, site) else {
    let said = parsed.value("slurm-version")
    return output.fatal(
      said.map {
        Explanation(
          what: "cannot use --slurm-version \(printable($0))", why: "it is no version of Slurm",
          remedy: "write it as `slurmd -V` does: 22.05.8")
      }
        ?? Explanation(
          what: "cannot tell the version of Slurm", why: "neither slurmd nor srun answers to -V on this host",
          remedy: "name it: --slurm-version 22.05.8"), exit: said == nil ? ExitCode.failure : ExitCode.usage)
  }
  let source = Installation.plugin
  let plugin: PluginStamp
  do {
    plugin = try PluginStamp(try File.readAll(source, limit: PluginStamp.sizeLimit))
  } catch let fault as PluginFault {
    return output.fatal(fault.explanation)
  } catch {
    return output.fatal(
      Explanation(
        what: "cannot read \(printable(source))",
        why: (error as? SystemCallFault).map { errorText($0.number) } ?? "",
        remedy: "the installation is incomplete: install it anew (make install)"))
  }
  let usual = ContainerPath.parent(site.stack) + "/plugstack.conf.d/apus.conf"
  var request = SetupRequest(
    version: version, plugin: plugin, library: ContainerPath.parent(source),
    helper: parsed.value("helper") ?? Installation.program, stack: site.stack,
    lineFile: absolute(parsed.value("plugstack")) ?? site.lineFile ?? usual)
  request.pluginDirectory = absolute(parsed.value("plugin-dir"))
  request.cacheDirectory = absolute(parsed.value("cache-dir"))
  request.runtimeDirectory = absolute(parsed.value("runtime-dir"))
  request.isSubmitHost = parsed.isOn("submit-host")
  request.isConfigless =
    parsed.value("plugstack") == nil && site.configuration.map(SlurmPlaces.isCopy) == true
  if let path = absolute(parsed.value("tmpfiles-dir")) { request.tmpfilesDirectory = path }
  do throws(SetupFault) {
    let steps = try planSetup(
      request, SetupFacts(stack: SlurmSite.text(site.stack), lineFile: SlurmSite.text(request.lineFile)))
    if output.tells(.info) {
      output.result("Slurm \(version.text)" + (site.configuration.map { ", " + printable($0) } ?? "") + "\n")
    }
    do throws(SetupWork.Fault) { try SetupWork(isDry: isDry, output: output).run(steps) } catch {
      return output.fatal(error.explanation)
    }
  } catch { return output.fatal(error.explanation, exit: ExitCode.usage) }
  return 0
}

private func slurmVersion(_ parsed: Parsed, _ variables: Variables, _ site: SlurmSite) -> SlurmVersion? {
  if let text = parsed.value("slurm-version") { return SlurmVersion(text) }
  return SlurmPrograms.version(variables, configuration: site.configuration)
}

private func absolute(_ path: String?) -> String? {
  path.map { ContainerPath.normalized($0, from: File.workingDirectory) }
}
