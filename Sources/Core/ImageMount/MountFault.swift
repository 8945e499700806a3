public import Linux
public import Model

/// Why an image could not be mounted.
public enum MountFault: Error, Equatable, Sendable {
  case image(ImageFault)
  case runtimeDirectory(RuntimeDirectoryFault)
  /// The server, or whoever looked at the file, said why.
  case refused(Explanation)
  case serverDied
  case namespaces(SystemCallFault)
  /// newuidmap or newgidmap did not map the caller's ranges.
  case mapRefused(why: String)
  /// Somebody has the file system of a file mounted in a way that bars this use of it.
  case fileInUse(path: String, pid: Int32?, writes: Bool)
  case notClosed(path: String, isPartition: Bool = false)
  /// `isPartition`, here and below: a partition of a SIF is among what it is for.
  case programMissing(name: String, package: String, subject: String, isPartition: Bool = false)
  case programFailed(name: String, subject: String, said: String, isPartition: Bool = false)
  /// What a program has mounted cannot be handed over.
  case kernelTooOld(name: String, subject: String, isPartition: Bool = false)
  case setup(activity: String, SystemCallFault)
  /// It can neither be mounted nor be unpacked.
  case notUnpacked(folder: String, whyNotMounted: String, why: String)
}

extension MountFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .image(let fault): fault.explanation
    case .runtimeDirectory(let fault): fault.explanation
    case .refused(let explanation): explanation
    case .serverDied:
      Explanation(
        what: "cannot mount the image", why: "its server ended while it was being set up",
        remedy: "try again; if it stays so, see the kernel's log for a process called apus")
    case .namespaces(let cause): MountFault.namespacesRefused(cause)
    case .mapRefused(let why):
      Explanation(
        what: "cannot make the users of --fakeroot", why: why,
        remedy: "use --ignore-subuid, with root as the only user")
    case .fileInUse(let path, let pid, let writes):
      Explanation(
        what: "cannot use \(printable(path))",
        why: (writes ? "it is in use" : "it is being written to")
          + (pid.map { " by process \($0)" } ?? " by another container"),
        remedy: "wait for it to end" + (writes ? ", or add :ro to read it beside others that read" : ""))
    case .notClosed(let path, let isPartition):
      Explanation(
        what: "cannot read \(printable(path))",
        why: "it was not closed by its last writer, and its journal has to be applied first",
        remedy: isPartition
          ? "write to it once, which applies it: --writable for the image itself, else without :ro"
          : "e2fsck -f repairs an image file; or use it once without :ro")
    case .programMissing(let name, let package, let subject, let isPartition):
      Explanation(
        what: "cannot mount \(printable(subject))", why: "\(name) is not installed on this machine",
        remedy: "ask the administrator to install it (the package \(package))"
          + (isPartition ? "; " + Self.ofPartition : ", or use a directory instead"))
    case .programFailed(let name, let subject, let said, let isPartition):
      Explanation(
        what: "cannot mount \(printable(subject))",
        why: "\(name) ended" + (said.isEmpty ? "" : ": \(printable(Self.oneLine(said)))"),
        remedy: name != "fuse2fs"
          ? "" : isPartition ? Self.check(subject) : "e2fsck -f checks and repairs an image")
    case .kernelTooOld(let name, let subject, let isPartition):
      Explanation(
        what: "cannot mount \(printable(subject)) by \(name)",
        why: "this takes Linux 5.2, and this kernel is older",
        remedy: isPartition
          ? Self.ofPartition + "; on this machine root alone can use it"
          : "use a directory, or for what is only read a squashfs image, in its place")
    case .setup(let activity, let cause):
      Explanation(what: "cannot \(activity)", why: cause.explanation.why, remedy: cause.explanation.remedy)
    case .notUnpacked(let folder, let whyNotMounted, let why):
      Explanation(
        what: "cannot mount the image, nor unpack it below \(printable(folder))",
        why: "\(whyNotMounted); \(why)",
        remedy:
          "ask the administrator for what `apus doctor` misses, or name a folder with room by APUS_TMPDIR")
    }
  }

  private static let ofPartition =
    "this SIF keeps changes or data in a partition, which no directory can replace"

  /// How a partition is looked at: e2fsck(8) takes no offset.
  static func check(_ path: String) -> String {
    "apus sif dump writes it to a file that e2fsck -f checks; apus sif list \(printable(path)) shows its number"
  }

  private static func oneLine(_ said: String) -> String {
    said.split(separator: "\n").map(String.init).connected(by: "; ")
  }

  static func namespacesRefused(_ cause: SystemCallFault) -> Explanation {
    Explanation(
      what: "cannot make a user namespace", why: cause.explanation.why,
      remedy: "ask the administrator to allow them (sysctl user.max_user_namespaces, "
        + "kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns; "
        + "`apus doctor` says which)")
  }
}
