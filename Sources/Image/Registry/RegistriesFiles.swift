internal import Glibc
internal import Linux
internal import Model

extension RegistriesConfiguration {
  /// Reads the files that hold on this machine (containers-registries.conf(5),
  /// containers-registries.conf.d(5)).
  ///
  /// The file that `CONTAINERS_REGISTRIES_CONF` names is the only one, and must be there. Else the user's
  /// `containers/registries.conf` takes the place of the system's; then, on top, the `*.conf` files in the
  /// system's `registries.conf.d` and in the user's, by name.
  ///
  /// `environment` gives the value of a variable; `home` is nil where there is none.
  public static func read(
    environment: (String) -> String?, home: String?, system: String = "/etc/containers"
  ) throws(RegistriesFault) -> RegistriesConfiguration {
    if let named = environment("CONTAINERS_REGISTRIES_CONF"), !named.isEmpty {
      guard let bytes = try content(of: named) else {
        throw .unreadable(path: named, why: errorText(ENOENT))
      }
      return try RegistriesConfiguration(parsing: [(named, bytes)])
    }
    var folders = [system]
    if let folder = environment("XDG_CONFIG_HOME"), !folder.isEmpty {
      folders.append(folder + "/containers")
    } else if let home {
      folders.append(home + "/.config/containers")
    }
    var files: [(path: String, text: [UInt8])] = []
    for folder in folders.reversed() where files.isEmpty {
      let path = folder + "/registries.conf"
      if let bytes = try content(of: path) { files.append((path, bytes)) }
    }
    for folder in folders {
      let folder = folder + "/registries.conf.d"
      guard let directory = try? File.open(folder, O_RDONLY | O_DIRECTORY),
        let names = try? File.names(in: directory)
      else { continue }
      for name in names.sorted() where name.utf8.suffix(5).elementsEqual(".conf".utf8) {
        if let bytes = try content(of: folder + "/" + name) { files.append((folder + "/" + name, bytes)) }
      }
    }
    return try RegistriesConfiguration(parsing: files)
  }

  /// nil where there is no such file. One that is there and cannot be read is a fault: it may block
  /// something.
  private static func content(of path: String) throws(RegistriesFault) -> [UInt8]? {
    do throws(SystemCallFault) { return try File.readAll(path, limit: 1 << 20) } catch {
      if error.number == ENOENT || error.number == ENOTDIR { return nil }
      throw .unreadable(path: path, why: errorText(error.number))
    }
  }
}
