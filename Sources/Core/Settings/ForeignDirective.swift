/// A key of apptainer.conf without an effect here: lines copied from there draw no warning at every launch.
public struct ForeignDirective: Equatable, Sendable {
  public let key: String
  /// Why it means nothing, for `apus config`.
  public let why: String
  /// Whether a site that says yes to it misses something.
  public let isMissed: Bool

  init(_ key: String, _ why: String, isMissed: Bool = false) {
    self.key = key
    self.why = why
    self.isMissed = isMissed
  }

  static func named(_ key: String) -> ForeignDirective? { all.first { $0.key == key } }

  static let all: [ForeignDirective] = [
    ForeignDirective("allow setuid", "nothing of apus is set-uid"),
    ForeignDirective("allow ipc ns", kernel),
    ForeignDirective("allow pid ns", kernel),
    ForeignDirective("allow user ns", kernel),
    ForeignDirective("allow uts ns", kernel),
    ForeignDirective("enable fusemount", "--fusemount is not in this version"),
    ForeignDirective(
      "enable underlay", "where an image lacks a mount point and there is no overlay, binds make it always"),
    ForeignDirective("allow container encrypted", "encrypted images are refused in this version"),
    ForeignDirective(
      "allow container extfs",
      "a root in an ext3 image is refused; as overlays and binds they are the user's own"),
    ForeignDirective("allow setuid-mount encrypted", mounts),
    ForeignDirective("allow setuid-mount squashfs", mounts),
    ForeignDirective("allow setuid-mount extfs", mounts),
    ForeignDirective(
      "sync writable extfs", "what was written to an ext3 image is in it when its container ends"),
    ForeignDirective("allow net users", networks),
    ForeignDirective("allow net groups", networks),
    ForeignDirective("allow net networks", networks),
    ForeignDirective("allow netns paths", networks),
    ForeignDirective("always use nv", gpus, isMissed: true),
    ForeignDirective("always use rocm", gpus, isMissed: true),
    ForeignDirective("use nvidia-container-cli", gpus, isMissed: true),
    ForeignDirective(
      "root default capabilities", "root has its own unless --no-privs or --drop-caps takes them away"),
    ForeignDirective("binary path", "fuse2fs and its like are looked for in the caller's PATH"),
    ForeignDirective("mksquashfs procs", packing),
    ForeignDirective("mksquashfs mem", packing),
    ForeignDirective("shared loop devices", loops),
    ForeignDirective("max loop devices", loops),
    ForeignDirective("image driver", "there are no plugins"),
    ForeignDirective("download concurrency", downloads),
    ForeignDirective("download part size", downloads),
    ForeignDirective("download buffer size", downloads),
    ForeignDirective("systemd cgroups", "limits are written into the control group that the caller has"),
    ForeignDirective("allow monitoring", monitors),
    ForeignDirective("apptheus socket path", monitors),
    ForeignDirective("apptheus communication socket path", monitors),
  ]

  private static let kernel = "the kernel decides which namespaces a user can have"
  private static let mounts = "images of ordinary users are mounted with the user's own rights"
  private static let networks =
    "nothing of apus is set-uid, so only root connects containers to networks of the site"
  private static let gpus = "GPUs of the host are not shown by this version"
  private static let packing = "images are packed without mksquashfs; `apus build --threads` limits it"
  private static let loops = "the kernel gives root's mounts a loop device when they need one"
  private static let downloads = "downloads need no tuning"
  private static let monitors = "nobody is told of containers"
}
