internal import Model

/// The file of variables that Slurm writes for a container (`%e` of oci.conf): records that end with NUL
/// (`CreateEnvFile=null`, and Slurm 22.05), or lines (`newline`).
public enum EnvironmentRecords {
  /// The records with an equals sign, in order, each name once: the last counts.
  ///
  /// A text without any NUL is one of lines. There a value with a newline cannot be told from two variables: a line that
  /// does not begin with a name and an equals sign belongs to the value before it.
  public static func parse(_ bytes: [UInt8]) -> [String] {
    let entries: [[UInt8]]
    if bytes.contains(0) {
      entries = bytes.split(separator: 0, omittingEmptySubsequences: true).map(Array.init)
    } else {
      entries = lines(bytes)
    }
    var result: [String] = []
    var places: [String: Int] = [:]
    for entry in entries {
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")), equals > 0 else { continue }
      let name = HostText.decode(Array(entry[..<equals]))
      let text = HostText.decode(entry)
      if let place = places[name] {
        result[place] = text
      } else {
        places[name] = result.count
        result.append(text)
      }
    }
    return result
  }

  private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    var entries: [[UInt8]] = []
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      let name = line.prefix { $0 != UInt8(ascii: "=") }
      if entries.isEmpty || (name.count < line.count && isName(name)) {
        entries.append(Array(line))
      } else {
        entries[entries.count - 1] += [0x0A] + line
      }
    }
    // The newline that ends the file.
    if let last = entries.last, last.last == 0x0A { entries[entries.count - 1].removeLast() }
    return entries
  }

  /// What of the variables of a job goes into its container: not what describes the host it was submitted from
  /// (directories of programs and libraries, home and working directory), not the runtimes' own, and nothing that is no
  /// name for a shell. Those that are injected by another name (`APUSENV_X`) count more than X itself.
  public static func handedOn(_ entries: [String]) -> [String] {
    let prefixes = ["APUSENV_", "APPTAINERENV_", "SINGULARITYENV_"]
    let injected = entries.compactMap { entry in
      prefixes.first { entry.starts(withBytesOf: $0) }.map { String(name(of: entry).dropFirst($0.count)) }
    }
    return entries.filter { entry in
      let name = name(of: entry)
      return isName(Array(name.utf8)[...]) && !ofHost.contains(name) && !injected.contains(name)
        && !ofRuntimes.contains { name.starts(withBytesOf: $0) }
    }
  }

  /// What of a bundle's variables goes into its container: all but those that follow from where the program is started
  /// and by whom.
  public static func ofBundle(_ entries: [String]) -> [String] {
    entries.filter { entry in
      let name = name(of: entry)
      return isName(Array(name.utf8)[...]) && !ofCaller.contains(name)
    }
  }

  private static let ofCaller = ["HOME", "PWD", "OLDPWD", "_", "UID", "EUID", "GID", "PPID"]
  private static let ofHost = ofCaller + ["PATH", "PS1", "LD_LIBRARY_PATH"]
  private static let ofRuntimes = [
    "APUS_", "APUSENV_", "APPTAINER_", "APPTAINERENV_", "SINGULARITY_", "SINGULARITYENV_",
  ]

  private static func name(of entry: String) -> String {
    String(entry[..<(entry.utf8.firstIndex(of: UInt8(ascii: "=")) ?? entry.endIndex)])
  }

  /// XBD, section 3.216 of POSIX.
  private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let first = bytes.first, !(0x30...0x39).contains(first) else { return false }
    return bytes.allSatisfy {
      (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
    }
  }
}
