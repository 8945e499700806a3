internal import Linux
internal import Model
internal import PluginStamp

extension Check {
  /// What `apus slurm doctor` looks at, in the order of its columns.
  public static let slurmNames =
    [
      "slurm", "plugstack line", "plugin", "helper", "node cache", "runtime directory",
    ] + slurmNodeNames

  private static let slurmNodeNames = ["user namespaces", "other namespaces", "/dev/fuse"]

  /// Judges what was found on a host of a cluster: pure, one check a subject.
  public static func diagnose(_ host: SlurmNodeFacts) -> [Check] {
    var checks = [slurm(host), line(host)]
    if host.lineFile != nil { checks += [plugin(host), helper(host)] }
    if host.isSubmitHost { return checks }
    if host.lineFile != nil { checks += [cache(host), runtime(host)] }
    return checks + Doctor.diagnose(host.node).filter { slurmNodeNames.contains($0.name) }
  }

  /// A node that gave no answer, and what Slurm said in its place.
  public static func unanswered(found: String, remedy: String) -> Check {
    Check("answer", .failing, found, cost: "nothing is known of this node", remedy: remedy)
  }
}

private let install = "run there as root: apus slurm install"
private let onHost = "steps that ask for a container run on the host instead, or not at all"

private func slurm(_ host: SlurmNodeFacts) -> Check {
  guard let version = host.slurm else {
    return Check(
      "slurm", .failing, "neither slurmd nor srun answers to -V", cost: "there are no job steps",
      remedy: "install Slurm, or put its programs into PATH")
  }
  return Check("slurm", .good, version.text)
}

private func line(_ host: SlurmNodeFacts) -> Check {
  let name = "plugstack line"
  guard let file = host.lineFile else {
    return Check(
      name, .failing,
      host.hasStack ? "\(host.stack) and what it includes have none" : "there is no \(host.stack)",
      cost: "Slurm knows no --container-image here", remedy: install)
  }
  if let fault = host.lineFault {
    return Check(
      name, .failing, "\(file): \(fault.what): \(fault.why)",
      cost: "every step with a container ends with 125",
      remedy: fault.remedy)
  }
  guard host.isRequired else {
    return Check(
      name, .missing, "\(file), optional",
      cost: "where the plugin cannot be loaded, what was meant for a container runs on the host",
      remedy: "write required in the place of optional")
  }
  return Check(name, .good, file)
}

private func plugin(_ host: SlurmNodeFacts) -> Check {
  let path = host.pluginPath
  let cost = host.isRequired ? "Slurm starts no step here, with a container or without" : onHost
  switch host.plugin {
  case .unreadable(let number):
    return Check("plugin", .failing, "\(path): \(errorText(number))", cost: cost, remedy: install)
  case .noPlugin(let fault):
    return Check("plugin", .failing, "\(path): \(fault.why)", cost: cost, remedy: install)
  case .stamped(let version, let isOpen):
    let found = "\(path), for Slurm \(version?.text ?? "of no version")"
    if let slurm = host.slurm, version?.loads(slurm) != true || version == nil {
      return Check(
        "plugin", .failing, found + ", which is not this node's \(slurm.text)", cost: cost, remedy: install)
    }
    if let isOpen {
      return Check(
        "plugin", .failing, found + "; others than root can change \(isOpen)",
        cost: "whoever changes it is root on this node",
        remedy: "chown root \(isOpen) && chmod go-w \(isOpen)")
    }
    return Check("plugin", .good, found)
  }
}

private func helper(_ host: SlurmNodeFacts) -> Check {
  guard let version = host.helperVersion else {
    return Check(
      "helper", .failing, "\(host.helper) cannot be run", cost: "every step with a container ends with 125",
      remedy: "install Apus there, or correct helper= in \(host.lineFile ?? host.stack)")
  }
  let found = "\(host.helper), \(version)"
  guard version != host.expected else { return Check("helper", .good, found) }
  return Check(
    "helper", .failing, found + ", and the asking host has \(host.expected)",
    cost: "steps with an option that one of them does not know are refused",
    remedy: "install the same version of Apus on all hosts, then " + install)
}

private func gigabytes(_ bytes: Int) -> String {
  let tenths = bytes / ((1 << 30) / 10)
  return "\(tenths / 10).\(tenths % 10) GiB"
}

private func cache(_ host: SlurmNodeFacts) -> Check {
  let name = "node cache"
  let cost = "steps read images where they lie, all nodes at once"
  guard let cache = host.cache else {
    return Check(
      name, .missing, "the line has no cache_dir", cost: cost,
      remedy: "give the line cache_dir=, a directory on the node's own disk, and " + install)
  }
  if let check = openness(name, cache, cost: cost) { return check }
  let found = "\(cache.path), \(gigabytes(cache.free)) free"
  if let network = cache.networkName {
    return Check(
      name, .missing, found + ", \(network)", cost: "copies there save nothing: other nodes see them as well",
      remedy: "name a directory on the node's own disk as cache_dir=")
  }
  guard cache.free >= host.minimumFree else {
    return Check(
      name, .missing, found + ", and \(gigabytes(host.minimumFree)) are to stay free", cost: cost,
      remedy: "make room there, or lower min_free=")
  }
  return Check(name, .good, found)
}

private func runtime(_ host: SlurmNodeFacts) -> Check {
  openness("runtime directory", host.runtime, cost: "--container-name does not work")
    ?? Check("runtime directory", .good, host.runtime.path)
}

/// What keeps jobs of all users from making names in a directory, each its own.
private func openness(_ name: String, _ directory: SlurmNodeFacts.Directory, cost: String) -> Check? {
  guard let mode = directory.mode else {
    return Check(name, .failing, "there is no \(directory.path)", cost: cost, remedy: install)
  }
  guard mode & 0o1777 != 0o1777 else { return nil }
  return Check(
    name, .failing, "\(directory.path) has mode 0\(String(mode, radix: 8))",
    cost: mode & 0o002 == 0 ? cost : "users can remove what is another's",
    remedy: "chmod 1777 \(directory.path)")
}
