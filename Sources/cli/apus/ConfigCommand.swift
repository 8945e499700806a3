internal import Codec
internal import CommandLine
internal import Glibc
internal import Launch
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus config check|show|import|fakeroot`
func runConfig(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  do throws(SettingsFault) {
    switch parsed.command.path.last {
    case "fakeroot": return runFakerootRanges(parsed, output)
    case "check": return try SettingsCheck(parsed).run(output)
    case "show": return try show(parsed, variables, output)
    default:
      let path = parsed.operands[0]
      output.result(SettingsImport.text(of: try text(path), path: path))
      return 0
    }
  } catch { return output.fatal(error.explanation) }
}

private func text(_ path: String) throws(SettingsFault) -> String {
  do throws(SystemCallFault) {
    return String(decoding: try File.readAll(path, limit: 1 << 20), as: UTF8.self)
  } catch { throw .unreadable(path: path, why: errorText(error.number)) }
}

/// The file that a launch would read, and what is in it; no text: it is not there, and need not be.
private func settingsText(_ parsed: Parsed, named: String?) throws(SettingsFault) -> (
  path: String, text: String?
) {
  if let path = named ?? parsed.value("config") { return (path, try text(path)) }
  let path = Installation.settingsFile
  guard (try? File.facts(path)) != nil else { return (path, nil) }
  return (path, try text(path))
}

// MARK: - show

private func show(_ parsed: Parsed, _ variables: Variables, _ output: Output) throws(SettingsFault) -> Int32 {
  let file = try settingsText(parsed, named: nil)
  // What a launch would refuse has no values that hold.
  _ = try Settings(parsing: file.text ?? "", path: file.path)
  let key = parsed.operands.connected(by: " ").lowercased()
  var values = SettingsReview(file.text ?? "", path: file.path).values.map { value in
    Shown(
      key: value.key, value: value.value,
      source: value.line.map { "\(file.path), line \($0)" } ?? "the default",
      isDefault: value.line == nil)
  }
  replaceByVariables(&values, variables)
  // The default is known to the installation alone (`readSettings`).
  for place in values.indices
  where values[place].key == "cni configuration path" && values[place].value.isEmpty {
    values[place].value = Installation.networkFolder
  }
  if !key.isEmpty {
    values = values.filter { $0.key == key }
    guard !values.isEmpty else {
      let near = Nearest.name(to: key, among: Settings().shown.map(\.key))
      return output.fatal(
        Explanation(
          what: "cannot show \(printable(key))", why: "there is no setting of that name",
          remedy: near.map { "did you mean \"\($0)\"?" } ?? "`apus config show --all` names all settings"),
        exit: ExitCode.usage)
    }
  } else if !parsed.isOn("all") {
    values = values.filter { !$0.isDefault }
  }
  if parsed.isOn("json") {
    let items = values.map { value in
      JSON.object([
        ("key", .string(value.key)), ("value", .string(value.value)), ("source", .string(value.source)),
      ])
    }
    output.result(JSON.array(items).text(indented: true) + "\n")
    return 0
  }
  if values.isEmpty {
    output.notice(Notice(.info, "nothing is set: `apus config show --all` prints the defaults"))
  }
  for value in values {
    let line = value.isUnset ? "# \(value.key) is not set" : "\(value.key) = \(printable(value.value))"
    let gap = String(repeating: " ", count: max(1, 40 - line.count))
    output.result(value.isUnset ? line + "\n" : "\(line)\(gap)# \(printable(value.source))\n")
  }
  return 0
}

/// A setting as `show` prints it.
private struct Shown {
  let key: String
  var value: String
  var source: String
  var isDefault: Bool
  /// A key without a value, and without a default that could be written.
  var isUnset: Bool { value.isEmpty && isDefault }
}

/// What of the caller's environment counts more than the file.
private func replaceByVariables(_ values: inout [Shown], _ variables: Variables) {
  func replace(_ key: String, _ value: String, _ source: String) {
    guard let place = values.firstIndex(where: { $0.key == key }) else { return }
    values[place] = Shown(key: key, value: value, source: source, isDefault: false)
  }
  if let text = variables["APUS_MOUNT_LINGER"], Settings.seconds(text) != nil {
    replace("mount linger", text, "APUS_MOUNT_LINGER")
  } else if variables["SLURM_STEP_ID"] != nil {
    replace("mount linger", "0", "a job step is over with its last program")
  }
}

// MARK: - check

/// What `apus config check` says of a file.
private struct SettingsCheck {
  /// A line of the report.
  private struct Line {
    let line: Int
    let level: SettingsFinding.Level
    let text: String
    let remedy: String
  }

  private let path: String
  private let isJSON: Bool
  private let isMissing: Bool
  private var lines: [Line] = []

  init(_ parsed: Parsed) throws(SettingsFault) {
    let file = try settingsText(parsed, named: parsed.operands.first)
    path = file.path
    isMissing = file.text == nil
    isJSON = parsed.isOn("json")
    let review = SettingsReview(file.text ?? "", path: file.path)
    lines = review.findings.map { finding in
      Line(line: finding.line, level: finding.level, text: finding.text, remedy: Self.remedy(finding))
    }
    lines += Self.values(review)
    if !isMissing, let facts = try? File.facts(path), facts.mode & 0o002 != 0 {
      lines.append(
        Line(
          line: 0, level: .warning, text: "everybody can write to the file",
          remedy: "chmod o-w \(printable(path))"))
    }
    lines.sort { $0.line < $1.line }
  }

  private static func remedy(_ finding: SettingsFinding) -> String {
    if case .unknown(_, let key) = finding,
      let near = Nearest.name(to: key, among: Settings().shown.map(\.key))
    {
      return "did you mean \"\(near)\"?"
    }
    return finding.remedy
  }

  /// What only whoever uses a value can say of it.
  private static func values(_ review: SettingsReview) -> [Line] {
    review.values.compactMap { value in
      guard let line = value.line, !value.value.isEmpty else { return nil }
      switch value.key {
      case "bind path":
        let places: [String]
        let images: [String]
        do throws(LaunchFault) {
          places = try sources(ofBindPath: value.value)
          images = try imageSources(ofBindPath: value.value)
        } catch {
          return Line(
            line: line, level: .error, text: error.explanation.why, remedy: error.explanation.remedy)
        }
        if !images.isEmpty {
          return Line(
            line: line, level: .warning,
            text: "image-src and id are for --bind: " + images.map { printable($0) }.connected(by: ", ")
              + " is not shown",
            remedy: "mount the file system on the nodes and bind that, or have users name it with --bind")
        }
        return missing(places, line, "is bound nowhere until it is there")
      case "image store": return missing([value.value], line, "is skipped until it is there")
      case "limit container paths": return missing([value.value], line, "holds no image")
      case "limit container owners" where UInt32(value.value) == nil && User.entry(named: value.value) == nil:
        return Line(
          line: line, level: .warning, text: "this host knows no user \(printable(value.value))",
          remedy: "check the name, or write the number")
      case "limit container groups" where UInt32(value.value) == nil && User.group(named: value.value) == nil:
        return Line(
          line: line, level: .warning, text: "this host knows no group \(printable(value.value))",
          remedy: "check the name, or write the number")
      case "image compressor":
        let name =
          value.value.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        guard Compressor(name: name).map(BlockEncoder.supported.contains) ?? false else {
          return Line(
            line: line, level: .error, text: "\(printable(name)) is no compressor of images",
            remedy: "name one of " + BlockEncoder.supported.map(\.name).connected(by: ", "))
        }
        return nil
      default: return nil
      }
    }
  }

  private static func missing(_ paths: [String], _ line: Int, _ consequence: String) -> Line? {
    let gone = paths.filter { (try? File.facts($0)) == nil }
    guard !gone.isEmpty else { return nil }
    let names = gone.map { printable($0) }.connected(by: ", ")
    return Line(
      line: line, level: .note, text: "this host has no \(names): it \(consequence)",
      remedy: "check the path, if it should be here")
  }

  func run(_ output: Output) -> Int32 {
    let fails = lines.contains { $0.level == .error }
    if isJSON {
      let items = lines.map { item in
        JSON.object([
          ("line", .integer(item.line)), ("level", .string(item.level.rawValue)),
          ("text", .string(item.text)),
          ("remedy", .string(item.remedy)),
        ])
      }
      output.result(
        JSON.object([("file", .string(path)), ("usable", .bool(!fails)), ("findings", .array(items))])
          .text(indented: true) + "\n")
      return fails ? ExitCode.usage : 0
    }
    for item in lines {
      let place = printable(path) + (item.line == 0 ? "" : ":\(item.line)")
      output.result("\(place): \(item.level.rawValue): \(item.text)\n")
      if !item.remedy.isEmpty { output.result("    \(item.remedy)\n") }
    }
    if isMissing {
      output.result("there is no \(printable(path)): the defaults hold\n")
    } else if lines.isEmpty {
      output.result("\(printable(path)): nothing to say\n")
    }
    return fails ? ExitCode.usage : 0
  }
}
