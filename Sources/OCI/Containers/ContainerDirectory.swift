internal import Glibc
internal import ImageMount
public import Linux
internal import Model

/// The directory of one container, `RUNTIME/oci/ID` or `RUNTIME/instances/NAME`, mode 0700:
///
///     state      the record, put there by rename as the last act of `create`: without it there is no container
///     start      a fifo that the process of a created container waits at; the process removes it when it goes on
///     fault      what the process had to say when it could not become its program
///
/// Whoever changes something holds a lock on the directory itself (flock(2)), which the kernel drops with its holder. So
/// what a killed `create` has left is known by this: no record, and nobody holds the lock.
public struct ContainerDirectory: ~Copyable {
  static let recordName = "state"
  static let unfinishedName = "state.new"
  static let fifoName = "start"
  static let faultName = "fault"

  public let id: ContainerID
  private let shelf: ContainerShelf
  /// Open, and locked where the container is being changed.
  public let directory: Descriptor
  /// The one above, which holds a user's containers.
  let parent: Descriptor

  /// A new container's directory, locked. What a killed `create` left under the ID goes.
  public static func create(
    _ id: ContainerID, on shelf: ContainerShelf
  ) throws(ContainerFault) -> ContainerDirectory {
    for place in shelf.places.dropFirst() {
      guard let other = try open(id, on: shelf, in: place), other.state() != nil else { continue }
      throw .exists(id: id.text)
    }
    // Each round ends with a directory of ours, or was crossed by another command: those end.
    for _ in 0..<1000 {
      let parent: Descriptor
      do throws(RuntimeDirectoryFault) {
        parent = try RuntimeDirectory.make(shelf.places[0], below: shelf.folder, uid: shelf.uid)
      } catch { throw .place(error) }
      let above = parent.number
      do throws(SystemCallFault) {
        try retrying("mkdir", id.text) { unsafe mkdirat(above, id.text, 0o700) }
      } catch {
        // The folder has just been removed with its last container.
        if error.number == ENOENT { continue }
        guard error.number == EEXIST else { throw .system(error) }
      }
      guard let found = try openDirectory(id, on: shelf, in: parent) else { continue }
      // Who asks for the state holds it for a moment.
      var isLocked = false
      do throws(SystemCallFault) {
        for _ in 0..<20 {
          isLocked = try FileLock.tryAcquire(found.directory)
          if isLocked { break }
          usleep(5000)
        }
      } catch { throw .system(error) }
      guard isLocked else { throw .busy(id: id.text) }
      guard found.isInPlace else { continue }
      if let state = found.committedState() {
        guard shelf.forgetsEnded, state.status == .stopped else { throw .exists(id: id.text) }
      }
      let isNew = ((try? File.names(in: found.directory)) ?? []).isEmpty
      if isNew { return found }
      // Never used again: a process that a killed `create` started may still hold it, and looks there for the record.
      found.remove()
    }
    throw .busy(id: id.text)
  }

  /// The directory of a container that is there, or is being made.
  public static func find(
    _ id: ContainerID, on shelf: ContainerShelf
  ) throws(ContainerFault) -> ContainerDirectory {
    for place in shelf.places { if let found = try open(id, on: shelf, in: place) { return found } }
    throw .unknown(id: id.text)
  }

  /// The same in one place; nil where it holds none.
  static func open(
    _ id: ContainerID, on shelf: ContainerShelf, in place: String
  ) throws(ContainerFault) -> ContainerDirectory? {
    guard let parent = try shelf.open(in: place) else { return nil }
    return try openDirectory(id, on: shelf, in: parent)
  }

  private static func openDirectory(
    _ id: ContainerID, on shelf: ContainerShelf, in parent: consuming Descriptor
  ) throws(ContainerFault) -> ContainerDirectory? {
    let directory: Descriptor
    do throws(SystemCallFault) {
      directory = try File.open(id.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: parent.number)
    } catch {
      if error.number == ENOENT { return nil }
      throw .system(error)
    }
    return ContainerDirectory(id: id, shelf: shelf, directory: directory, parent: parent)
  }

  /// The same directory by open files of its own, without the lock: for a process that outlives the one that has it.
  public func reopened() throws(ContainerFault) -> ContainerDirectory {
    do throws(SystemCallFault) {
      return ContainerDirectory(
        id: id, shelf: shelf, directory: try File.open(".", O_RDONLY | O_DIRECTORY, from: directory.number),
        parent: try File.open(".", O_RDONLY | O_DIRECTORY, from: parent.number))
    } catch { throw .system(error) }
  }

  /// The numbers of its descriptors.
  public var numbers: [Int32] { [directory.number, parent.number] }

  /// Removes a container whose process has ended, and what is none, unless somebody else does or has done.
  public func removeEnded() {
    guard (try? lock()) != nil, committedState()?.status ?? .stopped == .stopped else { return }
    remove()
  }

  /// The same, where nobody is at it.
  func sweep() {
    guard (try? FileLock.tryAcquire(directory)) == true, isInPlace,
      committedState()?.status ?? .stopped == .stopped
    else { return }
    remove()
  }

  /// Waits for the lock, so that no two commands change a container at once.
  public func lock() throws(ContainerFault) {
    do throws(SystemCallFault) {
      // `create` may take as long as an image takes to come within reach; nobody else holds it for long.
      for _ in 0..<1000 {
        if try FileLock.tryAcquire(directory) {
          guard isInPlace else { throw SystemCallFault("flock", id.text, ENOENT) }
          return
        }
        usleep(10_000)
      }
    } catch {
      if error.number == ENOENT { throw .unknown(id: id.text) }
      throw .system(error)
    }
    throw .busy(id: id.text)
  }

  /// Whether the directory is still found by its name.
  private var isInPlace: Bool {
    guard let here = try? File.facts(directory),
      let there = try? File.facts(id.text, from: parent.number, following: false)
    else { return false }
    return here.inode == there.inode && here.device == there.device
  }

  private func record(_ name: String) -> ContainerRecord? {
    (try? File.readAll(name, limit: 16 << 20, from: directory.number)).flatMap(ContainerRecord.init)
  }

  /// What holds at this moment; nil where a killed `create` left a directory, which is no container.
  public func state() -> ContainerState? {
    if let state = committedState() { return state }
    // Looked at through another open file: taking the lock for a moment must not cross who waits for it.
    guard let other = try? File.open(".", O_RDONLY | O_DIRECTORY, from: directory.number),
      (try? FileLock.tryAcquire(other, shared: true)) == false, let record = record(Self.unfinishedName)
    else { return nil }
    return ContainerState(id: id, status: .creating, record: record)
  }

  /// The same for who holds the lock: nobody else is making it.
  func committedState() -> ContainerState? {
    guard let record = record(Self.recordName) else { return nil }
    let status: ContainerStatus =
      !ContainerProcess.isAlive(record) ? .stopped : holds(Self.fifoName) ? .created : .running
    return ContainerState(id: id, status: status, record: record)
  }

  func holds(_ name: String) -> Bool {
    (try? File.facts(name, from: directory.number, following: false)) != nil
  }

  /// Writes the record under the name that does not count yet.
  public func write(_ record: ContainerRecord) throws(ContainerFault) {
    do throws(SystemCallFault) {
      let file = try File.open(
        Self.unfinishedName, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600, from: directory.number)
      try File.write(record.bytes, to: file.number, subject: Self.unfinishedName)
    } catch { throw .system(error) }
  }

  /// From here on there is a container.
  public func commit() throws(ContainerFault) {
    let number = directory.number
    do throws(SystemCallFault) {
      try retrying("rename", Self.recordName) {
        unsafe renameat(number, Self.unfinishedName, number, Self.recordName)
      }
    } catch { throw .system(error) }
  }

  /// Removes the directory with everything in it, and the folder above where it was the last.
  public func remove() {
    DirectoryRemoval.remove(Array(id.text.utf8), in: parent.number)
    guard let above = try? File.open("..", O_RDONLY | O_DIRECTORY, from: parent.number) else { return }
    _ = unsafe unlinkat(above.number, shelf.folder, AT_REMOVEDIR)
  }
}
