internal import Linux
internal import Model
internal import Settings

/// slurm.conf, as far as others need it: `KEY=VALUE`, keys in any case (slurm.conf(5)).
struct SlurmConfiguration {
  let folder: String
  private let values: [(key: String, value: String)]

  init(_ variables: Variables) {
    // Where slurmd keeps it that got it from the controller ("configless").
    let places = ["/etc/slurm/slurm.conf", "/run/slurm/conf/slurm.conf"]
    let path =
      variables["SLURM_CONF"] ?? places.first { (try? File.facts($0)) != nil } ?? "/etc/slurm/slurm.conf"
    folder = ContainerPath.parent(path)
    let text = (try? File.readAll(path, limit: 1 << 20)).map { HostText.decode($0) } ?? ""
    values = text.lines.compactMap { line in
      guard let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      // No value that is asked for has a blank in it; behind one there is a comment.
      let value = line.utf8[line.utf8.index(after: equals)...].prefix {
        $0 != 0x20 && $0 != 0x09 && $0 != 0x23
      }
      return (String(line[..<equals]).lowercased(), String(Substring(value)))
    }
  }

  subscript(key: String) -> String? { values.last { $0.key == key }?.value }

  /// `AuthInfo=socket=PATH`, else munge's own place.
  var mungeFolder: String {
    for word in (self["authinfo"] ?? "").fields(at: UInt8(ascii: ",")) where word.hasPrefix("socket=") {
      return ContainerPath.parent(String(word.dropFirst(7)))
    }
    return "/run/munge"
  }
}
