internal import Glibc
public import Linux
internal import Model

/// The files that the output of an instance goes to: `CONFIGURATION/instances/logs/HOST/USER/NAME.out` and `.err`, where
/// CONFIGURATION is `APUS_CONFIGDIR` or `~/.apus`. They are appended to by each instance of the name, and stay.
public struct InstanceLogs: ~Copyable {
  public let outPath: String
  public let errPath: String
  public let out: Descriptor
  public let err: Descriptor

  /// Opens them, and makes the directories on the way.
  public init(
    _ name: InstanceName, configuration: String?, home: String?, host: String, user: String
  ) throws(InstanceFault) {
    guard let top = configuration ?? home.map({ $0 + "/.apus" }) else { throw .noHome }
    let here = File.workingDirectory
    let folder = ContainerPath.normalized(top, from: here) + "/instances/logs/\(host)/\(user)"
    let directory = try Self.directory(folder)
    let first = try Self.open(name.text + ".out", in: directory, folder)
    let second = try Self.open(name.text + ".err", in: directory, folder)
    outPath = folder + "/" + name.text + ".out"
    errPath = folder + "/" + name.text + ".err"
    out = first
    err = second
  }

  private static func directory(_ folder: String) throws(InstanceFault) -> Descriptor {
    let directory = try opened(folder)
    // fstat of an open directory does not fail for a reason of its own.
    guard (try? File.facts(directory))?.uid == geteuid() else { throw .logsNotOurs(path: folder) }
    return directory
  }

  private static func opened(_ folder: String) throws(InstanceFault) -> Descriptor {
    do throws(SystemCallFault) {
      try make(folder)
      return try File.open(folder, O_RDONLY | O_DIRECTORY)
    } catch { throw .noLogs(path: folder, error) }
  }

  /// A link there would send what programs write anywhere.
  private static func open(
    _ name: String, in directory: borrowing Descriptor, _ folder: String
  ) throws(InstanceFault) -> Descriptor {
    do throws(SystemCallFault) {
      return try File.open(
        name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o644, from: directory.number)
    } catch { throw .noLogs(path: folder, error) }
  }

  private static func make(_ path: String) throws(SystemCallFault) {
    do throws(SystemCallFault) { try retrying("mkdir", path) { unsafe mkdir(path, 0o700) } } catch {
      if error.number == EEXIST { return }
      guard error.number == ENOENT, path != "/" else { throw error }
      try make(ContainerPath.parent(path))
      // Another launch may have been first.
      do throws(SystemCallFault) { try retrying("mkdir", path) { unsafe mkdir(path, 0o700) } } catch {
        if error.number != EEXIST { throw error }
      }
    }
  }
}
