/// Everything that may hold a credential, in the order in which it is asked. Paths only: nothing is read yet.
public struct CredentialSources: Equatable, Sendable {
  /// A file with credentials.
  public struct File: Equatable, Sendable {
    public enum Form: Equatable, Sendable {
      /// Docker's `config.json` and containers-auth.json(5).
      case table
      /// `machine HOST login USER password WORD` (Enroot's `.credentials`, netrc).
      case netrc
    }

    public let path: String
    public let form: Form
    /// The user named it: what is wrong with it is a fault. Of other files it is a warning, and a public
    /// image comes all the same.
    public let isNamed: Bool

    public init(path: String, form: Form = .table, isNamed: Bool = false) {
      self.path = path
      self.form = form
      self.isNamed = isNamed
    }
  }

  /// From the command line or the prompt.
  public var explicit: Credential?
  /// From variables; it is meant for any registry.
  public var fromEnvironment: Credential?
  public var files: [File]
  /// What helpers are run with.
  public var helpers: HelperEnvironment

  public init(
    explicit: Credential? = nil, fromEnvironment: Credential? = nil, files: [File] = [],
    helpers: HelperEnvironment = HelperEnvironment(variables: [])
  ) {
    self.explicit = explicit
    self.fromEnvironment = fromEnvironment
    self.files = files
    self.helpers = helpers
  }

  /// The sources of a command.
  ///
  /// - `environment`: the value of a variable.
  /// - `variables`: all of them, `NAME=value`, for helpers.
  /// - `home`: the user's home; nil where there is none.
  /// - `explicit`: of `--username` or `--docker-login`.
  /// - `authFile`: of `--authfile`.
  /// - `ownFile`: where `apus registry login` keeps them.
  public init(
    environment: (String) -> String?, variables: [String], home: String?, explicit: Credential? = nil,
    authFile: String? = nil, ownFile: String?
  ) {
    func path(_ name: String) -> String? {
      guard let value = environment(name), !value.isEmpty else { return nil }
      return value
    }
    func beneath(_ folder: String?, _ rest: String) -> String? { folder.map { $0 + "/" + rest } }

    var pair: Credential?
    for prefix in ["APUS_", "APPTAINER_", "SINGULARITY_", ""] where pair == nil {
      // Half a pair is none: a password for nobody helps no one.
      if let user = path(prefix + "DOCKER_USERNAME"), let password = path(prefix + "DOCKER_PASSWORD") {
        pair = .basic(user: user, password: password)
      }
    }
    let configuration = path("XDG_CONFIG_HOME") ?? beneath(home, ".config")
    let files: [File?] = [
      authFile.map { File(path: $0, isNamed: true) },
      path("REGISTRY_AUTH_FILE").map { File(path: $0, isNamed: true) },
      ownFile.map { File(path: $0) },
      beneath(path("XDG_RUNTIME_DIR"), "containers/auth.json").map { File(path: $0) },
      beneath(configuration, "containers/auth.json").map { File(path: $0) },
      beneath(path("DOCKER_CONFIG") ?? beneath(home, ".docker"), "config.json").map { File(path: $0) },
      beneath(path("APPTAINER_CONFIGDIR") ?? beneath(home, ".apptainer"), "docker-config.json")
        .map { File(path: $0) },
      beneath(path("ENROOT_CONFIG_PATH") ?? beneath(configuration, "enroot"), ".credentials")
        .map { File(path: $0, form: .netrc) },
    ]
    self.init(
      explicit: explicit, fromEnvironment: pair, files: files.compactMap { $0 },
      helpers: HelperEnvironment(variables: variables))
  }
}
