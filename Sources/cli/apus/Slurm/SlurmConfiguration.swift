internal import Linux
internal import Model
internal import NodeSetup
internal import Settings

/// slurm.conf as this host has it, with the files it includes.
struct SlurmConfiguration {
  /// nil where none is found.
  let path: String?
  private(set) var places = SlurmPlaces("")

  /// The directory of slurm.conf: beside it lies what belongs to it.
  var directory: String { path.map { ContainerPath.parent($0) } ?? "/etc/slurm" }

  /// `given`: as an option names it; else `SLURM_CONF`, else where it usually is.
  init(named given: String? = nil, _ variables: Variables) {
    let place = given ?? variables["SLURM_CONF"].flatMap { $0.isEmpty ? nil : $0 }
    path =
      place.map { ContainerPath.normalized($0, from: File.workingDirectory) }
      ?? SlurmPlaces.usualPlaces.first { (try? File.facts($0)) != nil }
    if let path { read(path, depth: 0) }
  }

  private mutating func read(_ path: String, depth: Int) {
    guard depth < 8, let text = SlurmSite.text(path) else { return }
    let found = SlurmPlaces(text)
    places.add(found)
    for other in found.includes {
      read(ContainerPath.normalized(other, from: ContainerPath.parent(path)), depth: depth + 1)
    }
  }
}
