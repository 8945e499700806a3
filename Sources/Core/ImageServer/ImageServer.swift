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
  /// Owners less than these are reported as they are, all others as 0: the outer namespace knows no others, and what
  /// belongs to nobody can be changed by nobody, in an overlay either. With one of each all files belong to the user.
  public var users: UInt32
  public var groups: UInt32
  /// How long the first thread looks for requests before it sleeps, once, from the start on, in microseconds.
  public var burstMicroseconds: Int

  public init(
    blockCacheBytes: Int = 24 << 20, threads: Int = 2, users: UInt32 = 1, groups: UInt32 = 1,
    burstMicroseconds: Int = 3000
  ) {
    self.blockCacheBytes = blockCacheBytes
    self.threads = threads
    self.users = users
    self.groups = groups
    self.burstMicroseconds = burstMicroseconds
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
  let ahead = Ahead()
  private let device: Int32
  private let ended: Int32
  /// Threads that were started and have not ended.
  private let living = Atomic<Int>(0)

  /// `device` is an open /dev/fuse that is mounted already; the server owns it.
  public init(image: SquashfsImage, device: consuming Descriptor, options: ServerOptions)
    throws(SystemCallFault)
  {
    self.image = image
    self.options = options
    self.device = device.release()
    blocks = BlockCache(image: image, limit: options.blockCacheBytes)
    ended = try checked(apus_eventfd(), "eventfd")
  }

  /// Becomes readable when the kernel has ended the mount and every thread has returned.
  public var endedDescriptor: Int32 { ended }

  /// Bytes of decoded blocks held now.
  public var cachedBytes: Int { blocks.bytes }

  /// Whether enough threads are there that one of them may wait for the kernel.
  var hasThreadsToSpare: Bool { living.load(ordering: .acquiring) >= 2 }

  /// Starts the first thread. A server begins for a launch that at once asks some thirty questions, each waiting for the
  /// one before: that thread looks for them without sleeping, for some milliseconds and alone, since every sleeper would
  /// be woken by each request. The others start with the first bytes that are wanted, or when the burst is over.
  public func start() throws(SystemCallFault) {
    living.store(1, ordering: .releasing)
    try Thread.start { [self] in
      guard let worker = try? Worker(self), let first = serveBurst(worker) else { return end() }
      startOthers()
      // Left undone for as long as nobody else could answer.
      if case .read(let request) = first { worker.wantProgram(request) }
      serve(worker)
    }
  }

  private func startOthers() {
    try? Thread.start { [self] in ahead.run(self) }
    for _ in 1..<max(1, options.threads) {
      living.add(1, ordering: .acquiringAndReleasing)
      do throws(SystemCallFault) {
        try Thread.start { [self] in if let worker = try? Worker(self) { serve(worker) } else { end() } }
      } catch { living.subtract(1, ordering: .acquiringAndReleasing) }
    }
  }

  /// The life of one thread.
  private func serve(_ worker: Worker) {
    while let bytes = unsafe nextRequest(for: worker) {
      if let request = unsafe Request(bytes) { worker.answer(request, on: device) }
    }
    end()
  }

  private enum BurstEnd {
    case time
    /// The first bytes of some amount were read, and answered.
    case read(Request)
  }

  /// nil: the mount has ended.
  private func serveBurst(_ worker: Worker) -> BurstEnd? {
    let deadline = monotonicMicroseconds() + UInt64(options.burstMicroseconds)
    while monotonicMicroseconds() < deadline {
      var waiting = pollfd(fd: device, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&waiting, 1, 0) != 0 else {
        // Whoever asks may be waiting for this very processor.
        sched_yield()
        continue
      }
      guard let bytes = unsafe nextRequest(for: worker) else { return nil }
      guard let request = unsafe Request(bytes) else { continue }
      worker.answer(request, on: device)
      if request.operation == Protocol.Operation.read, request.argument(16, UInt32.self) > 65536 {
        return .read(request)
      }
    }
    return .time
  }

  private func end() {
    ahead.end()
    if living.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
      var one: UInt64 = 1
      _ = unsafe write(ended, &one, 8)
    }
  }

  /// Waits for the next request; nil when the mount has ended.
  private func nextRequest(for worker: Worker) -> UnsafeRawBufferPointer? {
    while true {
      let count = unsafe read(device, worker.incoming.baseAddress, worker.incoming.count)
      if count >= 0 { return unsafe UnsafeRawBufferPointer(rebasing: worker.incoming[0..<count]) }
      // ENOENT: the request was interrupted before it was read. ENODEV: unmounted; anything else cannot be served either.
      guard errno == EINTR || errno == ENOENT || errno == EAGAIN else { return nil }
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
