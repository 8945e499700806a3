internal import Model

/// An apptainer.conf as an apus.conf: what means the same is kept, the rest stands as comments with the reason.
public enum SettingsImport {
  /// `path` names the file in the first line.
  public static func text(of text: String, path: String) -> String {
    var out = "# apus.conf, made from \(printable(path)) by `apus config import`.\n"
    var reader = SettingsReader(path: path)
    var hasBinds = false
    for line in SettingsLine.all(of: text) {
      guard case .assignment(let key, let value) = line.content else {
        if case .other(let text) = line.content {
          out += "# line \(line.number) is not \"key = value\": \(printable(text))\n"
        }
        continue
      }
      let assignment = "\(printable(key)) = \(printable(value))"
      if key == "bind path" { hasBinds = true }
      // Apptainer's own default is what its template says; whoever wants that little memory says so.
      if key == "sessiondir max size", value == "64" {
        out += dropped(
          assignment, "Apptainer's default; here it is an eighth of the memory that a launch may use")
        continue
      }
      let known = reader.findings.count
      do throws(SettingsFault) { try reader.take(line) } catch {
        out += dropped(assignment, SettingsFinding.fault(error).text)
        continue
      }
      if reader.findings.count > known, let finding = reader.findings.last {
        out += dropped(assignment, reason(finding))
      } else {
        out += assignment + "\n"
      }
    }
    if !hasBinds {
      out += "# Apptainer binds nothing where its file has no \"bind path\".\nbind path =\n"
    }
    return out
  }

  private static func dropped(_ assignment: String, _ why: String) -> String {
    "# \(assignment)\n#   \(why)\n"
  }

  private static func reason(_ finding: SettingsFinding) -> String {
    switch finding {
    case .withoutEffect(_, _, let why, _): why
    case .unknown: "neither apus nor Apptainer has a setting of that name"
    case .fault, .repeated: finding.text
    }
  }
}
