internal import Glibc
internal import Model

extension Process {
  /// The path of a program: in the absolute directories of `searchPath` (a PATH) first, because sites offer programs by
  /// modules, then where programs usually are.
  public static func find(_ name: String, _ searchPath: String?) -> String? {
    let usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    for directory in (searchPath.map { $0 + ":" + usual } ?? usual).fields(at: UInt8(ascii: ":"))
    where directory.utf8.first == UInt8(ascii: "/") {
      let path = "\(directory)/\(name)"
      if isProgram(path) { return path }
    }
    return nil
  }

  /// Whether the caller may execute the file.
  public static func isProgram(_ path: String) -> Bool {
    unsafe access(path, X_OK) == 0 && (try? File.facts(path))?.kind == .file
  }
}
