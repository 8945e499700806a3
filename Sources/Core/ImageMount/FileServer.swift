internal import Glibc
internal import ImageServer
internal import Linux
internal import Model
internal import Squashfs

/// The process that serves a squashfs beside the image, to one launch. It ends when the last mount of it goes.
enum FileServer {
  /// Starts it for a device that is mounted. No child of the caller is left.
  static func start(
    _ image: FileImage, _ squashfs: SquashfsImage, device: Int32
  ) throws(SystemCallFault) {
    // Blocks are a convenience: they take a thirty-second of what the job may use at most.
    let options = ServerOptions(
      blockCacheBytes: min(MountOptions().blockCacheBytes, Memory.limit / 32),
      threads: min(max(Processors.allowed, 2), 8))
    let middle = try Process.fork()
    if middle == 0 {
      if (try? Process.fork()) == 0 { serve(image, squashfs, device, options) }
      _exit(0)
    }
    _ = try Process.wait(middle)
  }

  private static func serve(
    _ image: FileImage, _ squashfs: SquashfsImage, _ device: Int32, _ options: ServerOptions
  ) -> Never {
    do throws(SystemCallFault) {
      _ = setsid()
      Process.closeAll(except: [device, image.descriptor])
      try EmptyRoot.enter()
      Process.resetInheritedState()
      let reader = try ImageServer(image: squashfs, device: Descriptor(owning: device), options: options)
      try reader.start()
      Process.setTitle("apus: " + image.path)
      Process.setName("apus-server")
      _ = umask(0o077)
      try? Process.forbidTracing()
      while !ImageMount.readable(reader.endedDescriptor, within: 1e6) { continue }
    } catch {}
    // Without a server the kernel answers every look-up with ENOTCONN, and the launch says so.
    _exit(0)
  }
}
