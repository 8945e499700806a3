/// Paths as text, inside a container or on the host. Nothing here looks at a file system.
public enum ContainerPath {
  /// An absolute path without `.`, `..`, doubled or trailing slashes; `..` stops at the root.
  /// A relative path is taken from `base`.
  public static func normalized(_ path: String, from base: String = "/") -> String {
    var parts: [Substring] = []
    let whole = path.utf8.first == UInt8(ascii: "/") ? path : base + "/" + path
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  public static func components(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

  public static func isAbsolute(_ path: String) -> Bool { path.utf8.first == UInt8(ascii: "/") }

  public static func lastComponent(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? "/"
  }

  public static func parent(_ path: String) -> String {
    let parts = path.split(separator: "/").dropLast()
    return "/" + parts.joined(separator: "/")
  }

  /// Whether `path` is `ancestor` or lies below it, compared by components.
  public static func isBelow(_ path: String, _ ancestor: String) -> Bool {
    components(path).starts(with: components(ancestor))
  }
}
