internal import Glibc
internal import Linux

extension Settings {
  /// Reads the file at `path`: one open and one read. A missing one is no fault unless the user named it.
  public static func read(_ path: String, isRequired: Bool) throws(SettingsFault) -> Settings {
    let bytes: [UInt8]
    do throws(SystemCallFault) {
      bytes = try File.readAll(path, limit: 1 << 20)
    } catch {
      if error.number == ENOENT && !isRequired { return Settings() }
      throw .unreadable(path: path, why: errorText(error.number))
    }
    return try Settings(parsing: String(decoding: bytes, as: UTF8.self), path: path)
  }
}
