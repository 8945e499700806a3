internal import Glibc
public import ImageMount
public import Linux
public import Model

/// Why a plan could not be carried out.
public enum EngineFault: Error, Equatable, Sendable {
  /// A system call of the set-up failed while doing `activity`.
  case setup(activity: String, cause: SystemCallFault)
  /// A step of the plan failed.
  case step(description: String, reason: String, cause: SystemCallFault)
  /// The kernel gives this user no namespaces.
  case namespacesRefused(cause: SystemCallFault)
  /// The mount point does not exist in what an earlier step has mounted above it; `under` says what that is.
  case targetMissing(description: String, target: String, under: String?)
  case workingDirectory(path: String, cause: SystemCallFault)
  /// The kernel put the working directory outside the root: a descriptor of the host was named.
  case workingDirectoryOutside(path: String)
  case programMissing(name: String, path: String)
  case programNotExecutable(name: String, why: String)
  case overlayInUse(directory: String, pid: Int32?)
  /// The kernel does not take a directory as a place for changes.
  case overlayRefused(path: String, fileSystem: String?, cause: SystemCallFault)
  /// What it keeps changes in is no directory, but a link that may lead anywhere.
  case overlayAstray(path: String, name: String)
  case mount(MountFault)
  case network(NetworkFailure)
  /// A network namespace that was named cannot be entered.
  case networkRefused(path: String, cause: SystemCallFault)
  /// The scripts of an image left no environment.
  case environment(why: String)

  /// What is done to get it.
  static let capture = "evaluate the environment scripts of the image"

  /// The exit code of the launcher for this fault (docs/user/exit-codes.md).
  public var exitCode: Int32 {
    switch self {
    case .programMissing: ExitCode.notFound
    case .programNotExecutable: ExitCode.notExecutable
    default: ExitCode.failure
    }
  }
}

extension EngineFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .setup(let activity, let cause):
      Explanation(what: "cannot \(activity)", why: cause.explanation.why, remedy: cause.explanation.remedy)
    case .step(let description, let reason, let cause):
      Explanation(
        what: "cannot \(description)", why: "\(cause.explanation.why); it is there for \(reason)",
        remedy: cause.explanation.remedy)
    case .namespacesRefused(let cause):
      Explanation(
        what: "cannot make a user namespace", why: cause.explanation.why,
        remedy: "ask the administrator to allow them (sysctl user.max_user_namespaces, "
          + "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns); "
          + "`apus doctor` says which one it is here")
    case .targetMissing(let description, let target, let under):
      Explanation(
        what: "cannot \(description)",
        why:
          "the target \(printable(target)) does not exist in \(under ?? "the container"), and cannot be made there",
        remedy: "make it there yourself, or name another target")
    case .workingDirectory(let path, let cause):
      Explanation(
        what: "cannot enter the working directory \(printable(path))", why: cause.explanation.why,
        remedy: "name a directory of the container with --cwd, or bind it")
    case .workingDirectoryOutside(let path):
      Explanation(
        what: "refused the working directory \(printable(path))", why: "it lies outside the container",
        remedy: "name a directory of the container with --cwd")
    case .programMissing(let name, let path):
      Explanation(
        what: "cannot run \(printable(name))",
        why: name.contains("/")
          ? "it does not exist in the container"
          : "it is in no directory of the container's PATH (\(printable(path)))",
        remedy: "check the name, or what the image holds with `apus exec IMAGE ls`")
    case .programNotExecutable(let name, let why):
      Explanation(what: "cannot run \(printable(name))", why: why)
    case .mount(let fault): fault.explanation
    case .overlayRefused(let path, let fileSystem, let cause):
      Explanation(
        what: "cannot use the overlay \(printable(path))",
        why: "the kernel does not take the file system it lies on"
          + (fileSystem.map { ", \($0)," } ?? "") + " as a place for changes (\(errorText(cause.number)))",
        remedy: "name a directory on a disk of this node, or keep the changes in an image file there: "
          + "apus overlay create FILE")
    case .overlayAstray(let path, let name):
      Explanation(
        what: "refused the overlay \(printable(path))",
        why: "\(name) in it is no directory, and a link could lead to files of this machine",
        remedy: "use an overlay that you or `apus overlay create` made; of this one, trust nothing")
    case .overlayInUse(let directory, let pid):
      Explanation(
        what: "cannot use the overlay \(printable(directory))",
        why: "a running container is writing to it" + (pid.map { ", process \($0)" } ?? ""),
        remedy: "wait for it to end, or add :ro to read it as it is")
    case .environment(let why):
      Explanation(
        what: "cannot \(Self.capture)", why: why,
        remedy: "run one by hand, `apus exec IMAGE sh /.singularity.d/env/NAME.sh`, and mend it in the image")
    case .network(let failure): failure.explanation
    case .networkRefused(let path, let cause):
      Explanation(
        what: "cannot enter the network namespace \(printable(path))",
        why: cause.call == "setns" && cause.number == EINVAL
          ? "it is no network namespace" : cause.explanation.why,
        remedy: cause.number == EPERM
          ? "the kernel lets only those in who own it: root, or the user whose user namespace it was made in"
          : cause.explanation.remedy)
    }
  }
}
