internal import Content
internal import Glibc
internal import Linux

/// The file that a conversion makes. Whatever goes wrong, the target stays as it was and nothing half-written remains.
struct OutputFile: ~Copyable {
  private let target: String
  private let replaces: Bool
  private var file: UnfinishedFile

  var number: Int32 { file.number }

  /// Checks the target first: a long conversion must not fail at its end for what could be known at its start.
  init(_ target: String, replaces: Bool) throws(BuildFault) {
    let (parent, name) = Self.split(target)
    let directory: Descriptor
    do throws(SystemCallFault) { directory = try File.open(parent, O_PATH | O_DIRECTORY) } catch {
      throw .output(path: parent, error)
    }
    if let facts = try? File.facts(name, from: directory.number, following: false) {
      guard facts.kind != .directory else { throw .targetIsDirectory(path: target) }
      guard replaces else { throw .targetExists(path: target) }
    }
    do throws(SystemCallFault) { file = try UnfinishedFile(name, in: directory, mode: 0o755) } catch {
      throw .output(path: target, error)
    }
    self.target = target
    self.replaces = replaces
  }

  /// Gives the finished file its name, after its bytes are on the disk.
  mutating func publish() throws(BuildFault) {
    do throws(SystemCallFault) { try file.publish(replaces ? .replace : .refuse) } catch {
      throw error.number == EEXIST ? .targetExists(path: target) : .output(path: target, error)
    }
  }

  /// Directory and last name of a path.
  static func split(_ path: String) -> (parent: String, name: String) {
    let trimmed = path.utf8.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return (".", trimmed) }
    let parent = String(trimmed[..<slash])
    return (parent.isEmpty ? "/" : parent, String(trimmed[trimmed.index(after: slash)...]))
  }
}
