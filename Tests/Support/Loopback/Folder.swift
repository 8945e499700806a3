internal import Foundation
internal import Linux

/// A folder of a test, gone with it.
package final class Folder {
  package let path: String

  package init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("apus-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and the folders above it; its path.
  @discardableResult
  package func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }

  package func text(_ name: String) throws -> String {
    try String(contentsOfFile: path + "/" + name, encoding: .utf8)
  }

  package func lines(_ name: String) -> [String] {
    ((try? text(name)) ?? "").split(separator: "\n").map(String.init)
  }

  package func mode(_ name: String) throws -> Int {
    let facts = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
    return facts[.posixPermissions] as? Int ?? -1
  }

  /// Makes `docker-credential-NAME` in `bin`: it keeps what it is told in `NAME.store`, writes down each call
  /// in `NAME.log` with its own command line, and answers with the user and the secret given, or as `body`
  /// says.
  package func makeHelper(_ name: String, user: String = "", secret: String = "", body: String? = nil) throws
  {
    let answer =
      user.isEmpty
      ? "echo 'credentials not found in native keychain'; exit 1"
      : #"printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}' "$key" '\#(user)' '\#(secret)'"#
    let script = """
      #!/bin/sh
      key=$(cat)
      echo "$1 $(tr '\\0' ' ' < /proc/$$/cmdline)" >> '\(path)/\(name).log'
      case $1 in
      store) printf '%s' "$key" > '\(path)/\(name).store' ;;
      erase) printf '%s' "$key" > '\(path)/\(name).erased' ;;
      list) echo '{"https://index.docker.io/v1/":"someone"}' ;;
      get) printf '%s\\n' "$key" >> '\(path)/\(name).asked'
      \(body ?? answer) ;;
      esac
      """
    let file = "\(path)/bin/docker-credential-\(name)"
    // Written by another process: a child that a test beside this one starts meanwhile would hold the file
    // open for writing, and nobody could run it (ETXTBSY, execve(2)).
    _ = try Linux.Process.output(
      of: "/bin/sh", ["-c", "mkdir -p '\(path)/bin' && cat > '\(file)' && chmod 755 '\(file)'"],
      environment: ["PATH=/usr/bin:/bin"], input: Array(script.utf8), limit: 0, seconds: 30)
  }

  package var searchPath: String { "PATH=\(path)/bin:/usr/bin:/bin" }
}
