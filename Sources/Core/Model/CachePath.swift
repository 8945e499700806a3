/// Where a user's cache of images lies: where it is filled, and where a launch has to know it before that.
public enum CachePath {
  /// `APUS_CACHEDIR`, else a folder of ours in the cache of the runtime whose job scripts move over, else
  /// `$HOME/.apus/cache`. Absolute; nil: there is no place for one. `variable` looks up a variable of the environment,
  /// `directory` is the one that relative paths are taken from.
  public static func of(
    _ variable: (String) -> String?, from directory: @autoclosure () -> String
  ) -> String? {
    if let own = variable("APUS_CACHEDIR"), !own.isEmpty {
      return ContainerPath.normalized(own, from: directory())
    }
    for name in ["APPTAINER_CACHEDIR", "SINGULARITY_CACHEDIR"] {
      // Its own folders lie in there and are not to be mixed with ours.
      if let other = variable(name), !other.isEmpty {
        return ContainerPath.normalized(other + "/apus", from: directory())
      }
    }
    guard let home = variable("HOME"), ContainerPath.isAbsolute(home) else { return nil }
    return ContainerPath.normalized(home + "/.apus/cache")
  }
}
