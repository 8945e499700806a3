internal import Glibc
internal import Linux

/// Writes the number of a container's process where the caller wants to read it, as `text`: an OCI runtime writes the
/// digits alone, an instance a line.
func writePIDFile(_ text: String, to path: String) throws(SystemCallFault) {
  let file = try File.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
  try File.write(Array(text.utf8), to: file.number, subject: path)
}
