/// Paths as text, inside a container or on the host. Nothing here looks at a file system.
public enum ContainerPath {
  /// An absolute path without `.`, `..`, doubled or trailing slashes; `..` stops at the root.
  /// A relative path is taken from `base`.
  public static func normalized(_ path: String, from base: String = "/") -> String {
    if isNormal(path) { return path }
    var parts: [String] = []
    let whole = path.utf8.first == UInt8(ascii: "/") ? path : base + "/" + path
    for part in components(whole) where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.connected(by: "/")
  }

  public static func components(_ path: String) -> [String] {
    path.fields(at: UInt8(ascii: "/")).filter { !$0.isEmpty }.map(String.init)
  }

  public static func isAbsolute(_ path: String) -> Bool { path.utf8.first == UInt8(ascii: "/") }

  /// Whether the path is absolute and has no empty, `.` or `..` component and no slash at its end.
  private static func isNormal(_ path: String) -> Bool {
    var afterSlash = false
    var dots = 0
    var count = 0
    for byte in path.utf8 {
      if byte == UInt8(ascii: "/") {
        if count > 0, afterSlash || dots > 0 { return false }
        afterSlash = true
        dots = 0
      } else {
        guard count > 0 else { return false }
        // Any name of dots alone goes the long way; there are not many.
        dots = byte == UInt8(ascii: ".") && (afterSlash || dots > 0) ? dots + 1 : 0
        afterSlash = false
      }
      count += 1
    }
    return count == 1 || (count > 1 && !afterSlash && dots == 0)
  }

  public static func lastComponent(_ path: String) -> String {
    if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
      let after = path.utf8.index(after: slash)
      if after < path.utf8.endIndex { return String(path[after...]) }
    }
    return path.split(separator: "/").last.map(String.init) ?? "/"
  }

  public static func parent(_ path: String) -> String {
    if isNormal(path), let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
      return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }
    return "/" + Array(components(path).dropLast()).connected(by: "/")
  }

  /// Whether `path` is `ancestor` or lies below it, compared by components.
  public static func isBelow(_ path: String, _ ancestor: String) -> Bool {
    guard isNormal(path), isNormal(ancestor) else {
      return components(path).starts(with: components(ancestor))
    }
    if ancestor.utf8.count == 1 { return true }
    guard path.utf8.starts(with: ancestor.utf8) else { return false }
    let behind = path.utf8.index(path.utf8.startIndex, offsetBy: ancestor.utf8.count)
    return behind == path.utf8.endIndex || path.utf8[behind] == UInt8(ascii: "/")
  }
}
