internal import CLinux
internal import Glibc
internal import Linux
internal import Model

/// The image mount of real root: the kernel's squashfs on a loop device that goes with its last user.
enum KernelMount {
  /// Whether a failure means that this kernel, or this container of somebody else's, has no loop devices or no squashfs.
  static func isMissing(_ cause: SystemCallFault) -> Bool {
    [ENOENT, ENODEV, ENXIO, ENOTTY, EPERM, EACCES].contains(cause.number)
  }

  static func make(_ image: ImageFile, offset: Int, size: Int) throws(MountFault) -> MountedImage {
    var number: Int32 = -1
    let loop = unsafe apus_loop_attach(image.descriptor, UInt64(offset), UInt64(size) / 512 * 512, 0, &number)
    guard loop >= 0 else {
      throw .setup(
        activity: "attach the image to a loop device", SystemCallFault("LOOP_CONFIGURE", "", -loop))
    }
    // The loop device must stay open until it is mounted: without a user it goes (LO_FLAGS_AUTOCLEAR).
    defer { close(loop) }
    do throws(SystemCallFault) {
      try Namespace.unshare(.mount)
      try Mount.makeEverythingSlave()
      let attributes: Mount.Attributes = [.readOnly, .noSetID, .noDevices]
      let source = "/dev/loop\(number)"
      do throws(SystemCallFault) {
        let mount = try Mount.create(
          "squashfs", options: [("source", source), ("ro", nil)], attributes: attributes)
        return MountedImage(.kernelMount(mount.release(), isOverRoot: false), .kernel)
      } catch { guard error.number == ENOSYS else { throw error } }
      let place = try File.open("/", O_PATH | O_DIRECTORY)
      let mount = try Mount.make(
        "squashfs", source: source, attributes: attributes, at: place.number, subject: image.path
      ) { () throws(SystemCallFault) in try Mount.topmostRoot() }
      return MountedImage(.kernelMount(mount.release(), isOverRoot: true), .kernel)
    } catch { throw .setup(activity: "mount the image with the kernel's squashfs", error) }
  }
}
