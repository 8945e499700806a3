internal import Model

/// A bundle as words for the launcher, which reads no JSON: options of `apus oci run` and `create` that are not shown in
/// their help.
extension Bundle {
  /// The flag that says: whatever the bundle asks for stands in these words.
  public static let readFlag = "bundle-read"

  /// The options. `takesEnvironment`: false where the environment comes from elsewhere.
  public func words(takesEnvironment: Bool) -> [String] {
    var words = ["--" + Self.readFlag]
    for bind in binds { words += ["--mount", bind.field] }
    if takesEnvironment { for entry in environment { words += ["--set", entry] } }
    if let directory { words += ["--cwd", directory] }
    if let umask { words += ["--umask", String(umask, radix: 8)] }
    if let hostName { words += ["--hostname", hostName] }
    for (name, value) in annotations { words += ["--annotation", name + "=" + value] }
    return words
  }
}

extension Bundle.Bind {
  /// In the form of `--mount`.
  public var field: String {
    "type=bind,\(quoted("source=" + source)),\(quoted("target=" + target))" + (isWritable ? "" : ",ro")
  }

  /// A field of RFC 4180: it may hold commas and quotes.
  private func quoted(_ text: String) -> String {
    "\"" + text.unicodeScalars.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) } + "\""
  }
}
