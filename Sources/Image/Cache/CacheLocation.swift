internal import Linux
internal import Model

/// Where a user's cache lies.
public enum CacheLocation {
  /// By `CachePath`. `variable` looks up a variable of the environment.
  public static func path(_ variable: (String) -> String?) throws(CacheFault) -> String {
    guard let path = CachePath.of(variable, from: File.workingDirectory) else { throw .noPlace }
    return path
  }
}
