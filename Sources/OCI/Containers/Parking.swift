internal import Glibc
internal import Linux
internal import Model

/// Where the process of a created container waits for `start`: at a fifo in the container's directory.
///
/// The process holds both ends, so it waits for a byte and for nothing else. `start` opens the fifo for writing without
/// waiting: the kernel says at once when nobody is there any more (fifo(7), ENXIO).
///
/// Everything is opened before the process changes its root, and closes when it becomes its program: that is how `start`
/// sees it go on.
public struct Parking: Sendable {
  /// The container's directory, by another open file than the one that holds the lock.
  private let directory: Int32
  private let fifo: Int32
  /// The creator reads a byte from the one when all stands; the other ends when the creator does.
  private let ready: (read: Int32, write: Int32)
  private let word: (read: Int32, write: Int32)

  /// What the creator keeps.
  public struct Creator: ~Copyable {
    private let ready: Descriptor
    /// Closed when the creator goes, whatever way.
    private let word: Descriptor

    fileprivate init(ready: consuming Descriptor, word: consuming Descriptor) {
      self.ready = ready
      self.word = word
    }

    /// Waits until the process is ready. False: it has ended before.
    public func awaitReady() -> Bool {
      var byte: UInt8 = 0
      let number = ready.number
      return (try? retrying("read") { unsafe read(number, &byte, 1) }) == 1
    }
  }

  /// Makes the fifo in a new container's directory, before the process is made.
  public init(_ container: borrowing ContainerDirectory) throws(ContainerFault) {
    do throws(SystemCallFault) {
      let place = container.directory.number
      try retrying("mkfifo", ContainerDirectory.fifoName) {
        unsafe mkfifoat(place, ContainerDirectory.fifoName, 0o600)
      }
      fifo = try File.open(ContainerDirectory.fifoName, O_RDWR | O_NOFOLLOW, from: place).release()
      directory = try File.open(".", O_RDONLY | O_DIRECTORY, from: place).release()
      ready = try File.pipe()
      word = try File.pipe()
    } catch { throw .system(error) }
  }

  /// In the creator, once the process is made.
  public func creator() -> Creator {
    leave()
    return Creator(ready: Descriptor(owning: ready.read), word: Descriptor(owning: word.write))
  }

  /// In the process, before anything else.
  public func leaveCreator() { for number in [ready.read, word.write] { close(number) } }

  /// In a parent of the process, which stays: `start` would wait for the parent's end, too.
  public func leave() { for number in [directory, fifo, ready.write, word.read] { close(number) } }

  /// In the process: says that all stands, waits until the creator has put down the record, and then for `start`.
  /// `errors` is where faults are written from then on: a file in the directory. Returns when the program is to be
  /// executed; ends the process where there is to be no container.
  public func wait(errors: Int32) {
    // A creator that has gone away is seen below.
    let before = signal(SIGPIPE, SIG_IGN)
    var byte: UInt8 = 1
    _ = try? retrying("write") { unsafe write(ready.write, &byte, 1) }
    _ = signal(SIGPIPE, before)
    _ = try? retrying("read") { unsafe read(word.read, &byte, 1) }
    guard (try? File.facts(ContainerDirectory.recordName, from: directory, following: false)) != nil else {
      _exit(ExitCode.failure)
    }
    if let file = try? File.open(
      ContainerDirectory.faultName, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600, from: directory)
    {
      dup3(file.number, errors, O_CLOEXEC)
    }
    guard (try? retrying("read", "the fifo") { unsafe read(fifo, &byte, 1) }) == 1 else {
      _exit(ExitCode.failure)
    }
    _ = unsafe unlinkat(directory, ContainerDirectory.fifoName, 0)
  }
}
