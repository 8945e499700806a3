internal import Linux
internal import Model
internal import Settings

/// The line of spank_apus.so in plugstack.conf, as this host has it.
struct PluginLine {
  /// The file that holds the line, and the plugin's path in it.
  let file: String
  let plugin: String
  /// The words behind the plugin.
  let words: [String]

  /// The value of `KEY=VALUE`.
  func value(_ key: String) -> String? {
    words.last { $0.starts(withBytesOf: key + "=") }.flatMap { String($0.utf8.dropFirst(key.utf8.count + 1)) }
  }

  /// Looks where Slurm looks: beside slurm.conf, in the file that slurm.conf names, and in those it includes
  /// (spank(8), "CONFIGURATION"). nil: there is none, or it cannot be read.
  static func find(_ variables: Variables) -> PluginLine? {
    let configuration = SlurmConfiguration(variables)
    let folder = configuration.folder
    return find(in: configuration["plugstackconfig"] ?? folder + "/plugstack.conf", folder: folder, depth: 0)
  }

  private static func find(in file: String, folder: String, depth: Int) -> PluginLine? {
    guard depth < 4 else { return nil }
    for line in lines(of: file) {
      let words = line.fields(at: UInt8(ascii: " ")).filter { !$0.isEmpty }.map { String($0) }
      guard words.count > 1 else { continue }
      if words[0].lowercased() == "include" {
        for included in matches(ContainerPath.normalized(words[1], from: folder)) {
          if let found = find(in: included, folder: folder, depth: depth + 1) { return found }
        }
      } else if ContainerPath.lastComponent(words[1]) == "spank_apus.so" {
        return PluginLine(file: file, plugin: words[1], words: Array(words.dropFirst(2)))
      }
    }
    return nil
  }

  private static func lines(of file: String) -> [String] {
    guard let bytes = try? File.readAll(file, limit: 1 << 20) else { return [] }
    return HostText.decode(bytes).lines.compactMap { line in
      let line = line.map { $0 == "\t" ? " " : $0 }.reduce(into: "") { $0.append($1) }
      guard let first = line.utf8.first, first != UInt8(ascii: "#") else { return nil }
      return line
    }
  }

  /// The files that a path means whose last part may hold a star.
  private static func matches(_ path: String) -> [String] {
    let name = ContainerPath.lastComponent(path)
    guard let star = name.utf8.firstIndex(of: UInt8(ascii: "*")) else { return [path] }
    let (start, end) = (String(name[..<star]), String(name[name.utf8.index(after: star)...]))
    let folder = ContainerPath.parent(path)
    guard let directory = try? File.open(folder), let names = try? File.names(in: directory) else { return [] }
    return names.filter { $0.hasPrefix(start) && $0.hasSuffix(end) }.sorted().map { folder + "/" + $0 }
  }
}
