internal import Model
internal import NodeSetup
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

  /// Looks where Slurm looks. nil: there is none, or it cannot be read.
  static func find(_ variables: Variables) -> PluginLine? {
    let site = SlurmSite(configuration: nil, variables)
    guard let line = site.line, let file = site.lineFile, let plugin = site.pluginPath else { return nil }
    return PluginLine(file: file, plugin: plugin, words: line.words)
  }
}
