internal import Glibc
internal import Model

/// Where a user's cache lies.
public enum CacheLocation {
  /// `APUS_CACHEDIR`, else a folder of ours in the cache of the runtime whose job scripts move over, else
  /// `$HOME/.apus/cache`. Absolute. `variable` looks up a variable of the environment.
  public static func path(_ variable: (String) -> String?) throws(CacheFault) -> String {
    if let own = variable("APUS_CACHEDIR"), !own.isEmpty { return absolute(own) }
    for name in ["APPTAINER_CACHEDIR", "SINGULARITY_CACHEDIR"] {
      // Its own folders lie in there and are not to be mixed with ours.
      if let other = variable(name), !other.isEmpty { return absolute(other + "/apus") }
    }
    guard let home = variable("HOME"), ContainerPath.isAbsolute(home) else { throw .noPlace }
    return ContainerPath.normalized(home + "/.apus/cache")
  }

  private static func absolute(_ path: String) -> String {
    if ContainerPath.isAbsolute(path) { return ContainerPath.normalized(path) }
    guard let here = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(here) }
    return ContainerPath.normalized(path, from: unsafe String(cString: here))
  }
}
