internal import CLinux
internal import Glibc
internal import Linux
internal import Model

/// The image mount of real root: the kernel's squashfs on a loop device that goes with its last user.
enum KernelMount {
  static func make(_ image: ImageFile, offset: Int, size: Int) throws(MountFault) -> MountedImage {
    var number: Int32 = -1
    let loop = unsafe apus_loop_attach(image.descriptor, UInt64(offset), UInt64(size) / 512 * 512, &number)
    guard loop >= 0 else {
      throw .setup(activity: "attach the image to a loop device", SystemCallFault("LOOP_CONFIGURE", "", -loop))
    }
    let device = Descriptor(owning: loop)
    do throws(SystemCallFault) {
      try Namespace.unshare(.mount)
      try Mount.makeEverythingSlave()
      let place = try File.open("/", O_PATH | O_DIRECTORY)
      let mount = try Mount.make(
        "squashfs", source: "/dev/loop\(number)", attributes: [.readOnly, .noSetID, .noDevices], at: place.number,
        subject: image.path)
      _ = consume device
      return MountedImage(.kernelMount(mount.release()))
    } catch { throw .setup(activity: "mount the image with the kernel's squashfs", error) }
  }
}
