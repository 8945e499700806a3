internal import CommandLine
internal import Conversion
internal import Glibc
internal import HTTP
internal import Linux
internal import Messages
internal import Model
internal import Reference
internal import Registry
internal import Settings

/// Puts together how registries are reached: credentials, mirrors and certificates of the caller and of the system.
struct Network {
  let credentials: CredentialStore
  let network: RegistryNetwork

  /// `asksWho`: name and password of the command line, the prompt or standard input are for the registries.
  init(
    _ parsed: Parsed, _ settings: Settings, _ output: Output, asksWho: Bool = true
  ) throws(Failure) {
    let home = variable("HOME")
    let variables = Inheritance.environment
    let explicit = asksWho ? try Self.explicit(parsed) : nil
    let own = Self.configurationFolder.map { $0 + "/auth.json" }
    let credentials = CredentialStore(
      CredentialSources(
        environment: variable, variables: variables, home: home, explicit: explicit,
        authFile: parsed.value("authfile"), ownFile: own))
    // What is wrong in it is no concern of commands that ask no registry.
    let registries: Result<RegistriesConfiguration, RegistriesFault>
    do throws(RegistriesFault) {
      registries = .success(try RegistriesConfiguration.read(environment: variable, home: home))
    } catch { registries = .failure(error) }
    let isInsecure = parsed.isOn("no-https")
    let certificates = CertificateFolders(environment: variable, home: home)
    let systemFile = variable("SSL_CERT_FILE")
    let systemFolder = variable("SSL_CERT_DIR")
    let transports = Transports { authority in
      var transport = TransportOptions()
      transport.systemAuthorityFile = systemFile
      transport.systemAuthorityDirectory = systemFolder
      do throws(CertificateFault) {
        let found = try certificates.read(for: authority)
        transport.authorityFiles = found.authorities
        transport.clientCertificate = found.client?.certificate
        transport.clientKey = found.client?.key
      } catch {
        output.notice(Notice(.warning, error.explanation.what + ": " + error.explanation.why))
      }
      return transport
    }
    let options = RegistryOptions(agent: "apus/" + Site.version) { transports.options(for: $0) }
    self.credentials = credentials
    network = RegistryNetwork(
      options: options, isInsecure: isInsecure, library: parsed.value("library") ?? settings.libraryURI,
      daemon: parsed.value("docker-host") ?? variable("DOCKER_HOST")
    ) { reference throws(RegistryFault) in
      var endpoints: [Endpoint]
      do throws(RegistriesFault) { endpoints = try registries.get().endpoints(for: reference) } catch {
        throw .credential(error.explanation)
      }
      if isInsecure { for index in endpoints.indices { endpoints[index].isInsecure = true } }
      return RegistryClient(endpoints: endpoints, reference: reference, options: options) {
        place throws(RegistryFault) in
        do throws(CredentialFault) { return try credentials.credential(for: place) } catch {
          throw .credential(error.explanation)
        }
      }
    }
    for notice in credentials.takeNotices() { output.notice(notice) }
  }

  /// A client that uses these credentials and no others.
  func client(
    _ reference: ImageReference, credential: Credential
  ) throws(RegistryFault) -> RegistryClient {
    var endpoint = Endpoint(host: reference.host, repository: reference.repository)
    endpoint.isInsecure = network.isInsecure
    return RegistryClient(endpoints: [endpoint], reference: reference, options: network.options) { _ in
      credential
    }
  }

  /// The user's folder of settings and credentials.
  static var configurationFolder: String? {
    variable("APUS_CONFIGDIR") ?? variable("HOME").map { $0 + "/.apus" }
  }

  private static func explicit(_ parsed: Parsed) throws(Failure) -> Credential? {
    var user = parsed.value("docker-username")
    var password = parsed.value("docker-password")
    if parsed.isOn("docker-login") {
      if user == nil { user = try Prompt.line("User name: ") }
      if password == nil { password = try Prompt.secret("Password: ") }
    } else if parsed.isOn("password-stdin") {
      password = try Prompt.input()
    }
    // Names and passwords of variables without ours are looked for where the others are.
    guard let user, !user.isEmpty, let password else { return nil }
    return .basic(user: user, password: password)
  }
}

/// Why a command cannot go on, explained.
struct Failure: Error {
  let explanation: Explanation
  let exit: Int32

  init(_ explanation: Explanation, exit: Int32 = ExitCode.failure) {
    self.explanation = explanation
    self.exit = exit
  }
}
