internal import CLinux
internal import Codec
internal import Glibc
public import Linux
public import Squashfs
internal import Synchronization

/// How one server works.
public struct ServerOptions: Equatable, Sendable {
  /// Bytes of decoded blocks kept.
  public var blockCacheBytes: Int
  /// Threads that read requests; each answers what it takes.
  public var threads: Int
  /// Every owner is reported as 0: files of root in the image belong to the user in the outer namespace.
  public var ownerIsRoot: Bool
  /// How long a thread looks for the next request before it sleeps, in microseconds; 0 sleeps at once. At most one
  /// thread looks at a time.
  public var pollMicroseconds: Int

  public init(
    blockCacheBytes: Int = 24 << 20, threads: Int = 2, ownerIsRoot: Bool = true, pollMicroseconds: Int = 0
  ) {
    self.blockCacheBytes = blockCacheBytes
    self.threads = threads
    self.ownerIsRoot = ownerIsRoot
    self.pollMicroseconds = pollMicroseconds
  }
}

/// Answers the kernel's FUSE requests from one squashfs image. It mounts nothing and knows no paths.
///
/// Node ids are functions of the image: 1 is the root, every other is the inode's reference + 2. Opens hold no state:
/// OPEN and OPENDIR are answered with ENOSYS, which tells the kernel not to ask again. So a warm image costs no request.
///
/// All threads are alike: each reads a request from the device and answers it, decoding what it needs. Considered: one
/// thread for requests and others for decoding; the hand-over wakes a second core for each uncached block, which on the
/// machines measured costs more than it gains (docs/contributing/measurements.md).
public final class ImageServer: Sendable {
  let image: SquashfsImage
  let options: ServerOptions
  let blocks: BlockCache
  let listings = ObjectCache<Listing>(limit: 65536)
  let maps = ObjectCache<FileMap>(limit: 65536)
  let neighbours = Neighbours()
  private let device: Int32
  private let ended: Int32
  private let living: Atomic<Int>
  private let isPolling = Atomic<Bool>(false)

  /// `device` is an open /dev/fuse that is mounted already; the server owns it.
  public init(image: SquashfsImage, device: consuming Descriptor, options: ServerOptions)
    throws(SystemCallFault)
  {
    self.image = image
    self.options = options
    self.device = device.release()
    blocks = BlockCache(image: image, limit: options.blockCacheBytes)
    ended = try checked(apus_eventfd(), "eventfd")
    living = Atomic(options.threads)
    if options.pollMicroseconds > 0 {
      let number = self.device
      let flags = fcntl(number, F_GETFL)
      _ = fcntl(number, F_SETFL, flags | O_NONBLOCK)
    }
  }

  /// Becomes readable when the kernel has ended the mount and every thread has returned.
  public var endedDescriptor: Int32 { ended }

  /// Bytes of decoded blocks held now.
  public var cachedBytes: Int { blocks.bytes }

  /// Whether enough threads are there that one of them may wait for the kernel.
  var hasThreadsToSpare: Bool { living.load(ordering: .acquiring) >= 2 }

  public func start() throws(SystemCallFault) {
    for _ in 0..<options.threads { try Thread.start { [self] in serve() } }
  }

  /// The life of one thread.
  private func serve() {
    guard let worker = try? Worker(self) else { return end() }
    // The kernel wants room for its largest request, and never less than 8 KiB (FUSE_MIN_READ_BUFFER).
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
    defer { unsafe buffer.deallocate() }
    while true {
      let count = unsafe next(into: buffer)
      if count < 0 { break }
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[0..<count])
      if let request = unsafe Request(bytes) { worker.answer(request, on: device) }
    }
    end()
  }

  private func end() {
    if living.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
      var one: UInt64 = 1
      _ = unsafe write(ended, &one, 8)
    }
  }

  /// Bytes of the next request, -1 when the mount has ended.
  private func next(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    var deadline: UInt64 = 0
    var mayPoll = false
    while true {
      let count = unsafe read(device, buffer.baseAddress, buffer.count)
      if count >= 0 {
        if mayPoll { isPolling.store(false, ordering: .releasing) }
        return count
      }
      switch errno {
      // ENOENT: the request was interrupted before it was read.
      case EINTR, ENOENT: continue
      case EAGAIN:
        let now = monotonicMicroseconds()
        if deadline == 0 {
          deadline = now + UInt64(options.pollMicroseconds)
          mayPoll =
            isPolling.compareExchange(
              expected: false, desired: true, ordering: .acquiringAndReleasing
            ).exchanged
        }
        if mayPoll, now < deadline { continue }
        if mayPoll { isPolling.store(false, ordering: .releasing) }
        mayPoll = false
        var waiting = pollfd(fd: device, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&waiting, 1, -1)
      default:
        // ENODEV: unmounted. Anything else cannot be served either.
        if mayPoll { isPolling.store(false, ordering: .releasing) }
        return -1
      }
    }
  }

  private func monotonicMicroseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
  }
}

extension ImageServer {
  /// The inode of a node.
  func inode(_ node: UInt64) throws(SquashfsFault) -> Inode { try image.inode(reference(of: node)) }

  func reference(of node: UInt64) -> InodeReference {
    node <= 1 ? image.root : InodeReference(rawValue: node - 2)
  }

  func node(of reference: InodeReference) -> UInt64 { reference == image.root ? 1 : reference.rawValue + 2 }

  func listing(_ node: UInt64) throws(SquashfsFault) -> Listing {
    if let found = listings.find(node) { return found }
    let directory = try inode(node)
    let listing = Listing(directory: directory, entries: try image.entries(of: directory))
    listings.insert(listing, for: node, weight: listing.entries.count + 8)
    return listing
  }

  func map(_ node: UInt64) throws(SquashfsFault) -> FileMap {
    if let found = maps.find(node) { return found }
    let map = FileMap(list: try image.blockList(of: try inode(node)))
    maps.insert(map, for: node, weight: map.list.blocks.count + 8)
    return map
  }
}
