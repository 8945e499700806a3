internal import CommandLine
internal import Conversion
internal import Linux
internal import Messages
internal import Model
internal import Reference
internal import Registry
internal import Settings

/// `apus registry`: credentials, and what a registry has.
func runRegistry(_ parsed: Parsed, _ output: Output) -> Int32 {
  do throws(Failure) {
    switch parsed.command.path.last {
    case "login": try login(parsed, output)
    case "logout": try logout(parsed, output)
    case "list": try list(parsed, output)
    default: try tags(parsed, output)
    }
    return 0
  } catch { return output.fatal(error.explanation, exit: error.exit) }
}

private func login(_ parsed: Parsed, _ output: Output) throws(Failure) {
  let registry = try registryName(parsed.operands[0])
  let user: String
  if let given = parsed.value("username") { user = given } else { user = try Prompt.line("User name: ") }
  let password: String
  if parsed.isOn("password-stdin") {
    password = try Prompt.input()
  } else if let given = parsed.value("password") {
    output.notice(
      Notice(.warning, "others can see a password given with --password; --password-stdin is safe"))
    password = given
  } else {
    password = try Prompt.secret("Password: ")
  }
  guard !user.isEmpty, !password.isEmpty else {
    throw Failure(
      Explanation(
        what: "cannot log in to \(printable(registry.key))", why: "the name or the password is empty",
        remedy: "give both"), exit: ExitCode.usage)
  }
  let credential = Credential.basic(user: user, password: password)
  let settings: Settings
  do throws(SettingsFault) { settings = try Site.settings(parsed) } catch { throw Failure(error.explanation) }
  let network = try Network(parsed, settings, output, asksWho: false)
  // Tried with a name that no registry has to know: only whether the credentials are good is asked.
  let reference = ImageReference(
    registry: registry.registry, repository: registry.namespace.isEmpty ? "login" : registry.namespace,
    tag: nil, digest: nil)
  do throws(RegistryFault) {
    try network.client(reference, credential: credential).checkLogin()
  } catch { throw Failure(error.explanation) }
  let file = try authFile(parsed)
  let place: AuthFile.Place
  do throws(CredentialFault) { place = try file.store(credential, for: registry) } catch {
    throw Failure(error.explanation)
  }
  switch place {
  case .file(let path): output.notice(Notice(.info, "Logged in; kept in \(printable(path))"))
  case .helper(let name):
    output.notice(Notice(.info, "Logged in; kept by docker-credential-\(printable(name))"))
  }
}

private func logout(_ parsed: Parsed, _ output: Output) throws(Failure) {
  let registry = try registryName(parsed.operands[0])
  let file = try authFile(parsed)
  do throws(CredentialFault) {
    if try file.erase(registry) {
      output.notice(Notice(.info, "Logged out of \(printable(registry.key))"))
    } else {
      output.notice(Notice(.warning, "nothing is kept for \(printable(registry.key))"))
    }
  } catch { throw Failure(error.explanation) }
}

private func list(_ parsed: Parsed, _ output: Output) throws(Failure) {
  let file = try authFile(parsed)
  let entries: [AuthFile.Entry]
  do throws(CredentialFault) { entries = try file.entries() } catch {
    throw Failure(error.explanation)
  }
  if parsed.isOn("json") {
    let objects = entries.map { entry in
      JSON.object([
        ("registry", .string(entry.key)), ("user", entry.user.map(JSON.string) ?? .null),
        ("helper", entry.helper.map(JSON.string) ?? .null),
      ])
    }
    return output.result(JSON.array(objects).text(indented: true) + "\n")
  }
  let width = max(8, entries.map(\.key.count).max() ?? 0)
  func row(_ registry: String, _ user: String, _ place: String) -> String {
    registry + String(repeating: " ", count: width - registry.count + 2) + user
      + (place.isEmpty ? "" : "  (docker-credential-\(place))") + "\n"
  }
  guard !entries.isEmpty else { return }
  output.result(
    row("REGISTRY", "USER", "")
      + entries.map { row(printable($0.key), printable($0.user ?? "-"), printable($0.helper ?? "")) }.joined()
  )
}

private func tags(_ parsed: Parsed, _ output: Output) throws(Failure) {
  var text = parsed.operands[0]
  for scheme in ["docker://", "oras://"] where text.hasPrefix(scheme) { text.removeFirst(scheme.count) }
  let reference: ImageReference
  do throws(ReferenceFault) { reference = try ImageReference(parsing: text) } catch {
    throw Failure(error.explanation)
  }
  let supply = try ImageSupply(parsed, output)
  let tags: [String]
  do throws(RegistryFault) { tags = try supply.options.network.client(reference).tags() } catch {
    throw Failure(error.explanation)
  }
  supply.tellNotices()
  if parsed.isOn("json") {
    output.result(JSON.array(tags.map(JSON.string)).text(indented: true) + "\n")
  } else {
    output.result(tags.map { printable($0) + "\n" }.joined())
  }
}

private func registryName(_ text: String) throws(Failure) -> RegistryName {
  do throws(ReferenceFault) { return try RegistryName(parsing: text) } catch {
    throw Failure(error.explanation)
  }
}

private func authFile(_ parsed: Parsed) throws(Failure) -> AuthFile {
  let path = parsed.value("authfile") ?? Network.configurationFolder.map { $0 + "/auth.json" }
  guard let path else {
    throw Failure(
      Explanation(
        what: "cannot keep credentials", why: "neither APUS_CONFIGDIR nor HOME is set",
        remedy: "name a file with --authfile"))
  }
  return AuthFile(path: path, helpers: HelperEnvironment(variables: Inheritance.environment))
}
