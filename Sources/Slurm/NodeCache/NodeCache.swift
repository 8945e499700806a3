public import Glibc
public import Linux
public import Model

/// The copies of images that one user has on one node, so that the steps of jobs read them from the node's own disk.
///
/// | name | what |
/// |---|---|
/// | `KEY.sif` | the copy, 0400; whoever uses it has a shared lock on it (flock(2)), and nobody removes it then |
/// | `KEY.json` | what the copy is: digest, size, where it came from, when; its time of change is that of the last use |
/// | `KEY.lock` | while somebody copies: held by that process, and says how far it is |
///
/// The launcher looks images up here; `Staging` puts them in. Refuses a folder that is not the user's own. Copies
/// nothing itself and prints nothing.
public struct NodeCache: ~Copyable, Sendable {
  /// The user's folder: `CACHE_DIR/UID`.
  public let path: String
  /// Open for reading.
  public let folder: Descriptor
  let uid: UInt32

  /// Opens the user's folder below `directory`, the site's `cache_dir`. With `makes` it is made where there is none.
  public static func open(
    _ directory: String, uid: UInt32 = geteuid(), makes: Bool = true
  ) throws(NodeCacheFault) -> NodeCache {
    let top: Descriptor
    do throws(SystemCallFault) { top = try File.open(directory, O_RDONLY | O_DIRECTORY) } catch {
      throw error.number == ENOENT ? .noDirectory(path: directory) : .call(path: directory, error)
    }
    let path = (directory == "/" ? "" : directory) + "/\(uid)"
    do throws(PrivateDirectoryFault) {
      let folder =
        makes
        ? try PrivateDirectory.make("\(uid)", from: top.number, uid: uid)
        : try PrivateDirectory.open("\(uid)", from: top.number, uid: uid)
      return NodeCache(path: path, folder: folder, uid: uid)
    } catch {
      switch error {
      case .notOurs(_, let owner, let mode):
        throw .notOurs(path: path, uid: uid, owner: owner, mode: mode)
      case .notADirectory: throw .notADirectory(path: path)
      case .call(let cause): throw .call(path: path, cause)
      }
    }
  }

  static func imageName(_ key: ImageKey) -> String { key.name + imageSuffix }
  static func recordName(_ key: ImageKey) -> String { key.name + recordSuffix }
  static func lockName(_ key: ImageKey) -> String { key.name + lockSuffix }

  static let imageSuffix = ".sif"
  static let recordSuffix = ".json"
  static let lockSuffix = ".lock"

  /// The names under which `Staging` puts a copy and its record in place.
  public static func names(of key: ImageKey) -> (image: String, record: String) {
    (imageName(key), recordName(key))
  }

  /// Size and room of the file system.
  public func volume() throws(NodeCacheFault) -> Volume {
    do throws(SystemCallFault) { return try Volume.of(folder) } catch { throw .call(path: path, error) }
  }

  /// What an administrator should know of the place; of its name `SiteOptions` tells.
  public func notices() throws(NodeCacheFault) -> [Notice] {
    Self.notices(path: path, networkName: try volume().networkName)
  }

  static func notices(path: String, networkName: String?) -> [Notice] {
    guard let networkName else { return [] }
    return [
      Notice(
        .warning,
        "the node cache \(printable(path)) is on \(networkName), which all nodes share: set cache_dir to a "
          + "directory of the node's own disk")
    ]
  }
}
