internal import ImageMount
internal import Launch
internal import Linux
internal import Settings

/// The users of a container of `--fakeroot`, which have to be known before its image is mounted: the mount and the
/// namespaces are theirs.
final class Fakeroot {
  let user: User
  private(set) var plan: FakerootPlan
  private let environment: (String) -> String?

  init(_ request: LaunchRequest, _ environment: @escaping (String) -> String?) {
    user = User.current(cache: ImageMount.userCache(environment: environment))
    plan = planFakeroot(
      user: user, host: surveySubordinateIDs(of: user), ignoresRanges: request.ignoresSubordinateIDs)
    self.environment = environment
  }

  /// Sets out to mount the image with these users; where the ranges cannot be mapped, with root alone. `mount` is told.
  func begin(_ image: ImageFile, _ mount: inout MountOptions) throws(MountFault) -> PendingMount {
    mount.ids = plan.ids
    mount.mappers = plan.mappers
    do throws(MountFault) { return try ImageMount.begin(image, mount, environment: environment) } catch {
      guard case .mapRefused(let why) = error else { throw error }
      plan = plan.withoutRanges(because: why)
      mount.ids = nil
      return try ImageMount.begin(image, mount, environment: environment)
    }
  }
}
