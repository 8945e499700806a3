import Foundation
import Testing

/// Where credentials come from.
extension LoginTests {
  /// Every place for credentials, the first that has one wins.
  enum Source: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case options, apus, apptainer, singularity, docker
    case authfile, registryAuthFile, own, runtime, configuration, config

    var testDescription: String { rawValue }

    /// Puts a pair there. Returns what else the command needs.
    func give(
      _ user: String, _ password: String, to us: RegistryCaller, for host: String
    ) throws -> (words: [String], variables: [String: String], input: String?) {
      let table = LoginTests.table(host, user + ":" + password)
      func file(_ folder: String, _ name: String) throws -> String {
        try us.write(folder, to: name, content: table, mode: 0o600)
        return us.path(folder + "/" + name)
      }
      func variables(_ prefix: String) -> [String: String] {
        [prefix + "DOCKER_USERNAME": user, prefix + "DOCKER_PASSWORD": password]
      }
      switch self {
      case .options: return (["--username", user, "--password-stdin"], [:], password + "\n")
      case .apus: return ([], variables("APUS_"), nil)
      case .apptainer: return ([], variables("APPTAINER_"), nil)
      case .singularity: return ([], variables("SINGULARITY_"), nil)
      case .docker: return ([], variables(""), nil)
      case .authfile: return (["--authfile", try file("named", "auth.json")], [:], nil)
      case .registryAuthFile: return ([], ["REGISTRY_AUTH_FILE": try file("variable", "auth.json")], nil)
      case .own:
        _ = try file("config", "auth.json")
        return ([], [:], nil)
      case .runtime:
        _ = try file("runtime/containers", "auth.json")
        return ([], ["XDG_RUNTIME_DIR": us.path("runtime")], nil)
      case .configuration:
        _ = try file("xdg/containers", "auth.json")
        return ([], [:], nil)
      case .config:
        _ = try file("docker", "config.json")
        return ([], [:], nil)
      }
    }
  }

  static func pull(_ us: RegistryCaller, _ sources: [(Source, good: Bool)]) throws -> Outcome {
    let host = Registry.bearer
    var words: [String] = []
    var variables: [String: String] = [:]
    var input: String?
    for (source, good) in sources {
      let given = try source.give(
        good ? Registry.user : "nobody", good ? Registry.password : "wrong", to: us, for: host)
      words += given.words
      variables.merge(given.variables) { $1 }
      input = given.input ?? input
    }
    return try us.execute(
      [Installed.apus, "pull"] + words + ["out.sif", "docker://\(host)/private/tiny"],
      environment: variables, input: input)
  }

  @Test(arguments: Source.allCases)
  func `each source of credentials is used, and hides those behind it`(source: Source) throws {
    try RegistryCaller.with { us in
      let alone = try Self.pull(us, [(source, good: true)])
      #expect(alone.code == 0, "\(alone.err)")
    }
    guard let place = Source.allCases.firstIndex(of: source), place + 1 < Source.allCases.count else {
      return
    }
    let next = Source.allCases[place + 1]
    try RegistryCaller.with { us in
      let first = try Self.pull(us, [(source, good: true), (next, good: false)])
      #expect(first.code == 0, "\(first.err)")
    }
    try RegistryCaller.with { us in
      let hidden = try Self.pull(us, [(source, good: false), (next, good: true)])
      #expect(hidden.code == 255)
      #expect(hidden.err.contains("credentials are refused"), "\(hidden.err)")
    }
  }

  @Test(arguments: [
    "{\"credHelpers\": {\"HOST\": \"apus-test\"}}", "{\"credsStore\": \"apus-test\"}",
    "{\"credHelpers\": {\"HOST\": \"apus-test\"}, \"auths\": {\"HOST\": {\"auth\": \"bm9ib2R5Ondyb25n\"}}}",
  ])
  func `a credential helper is asked once`(table: String) throws {
    try RegistryCaller.with { us in
      let path = try Self.addHelper(us, user: Registry.user, secret: Registry.password)
      try us.write(
        "docker", to: "config.json", content: table.replacingOccurrences(of: "HOST", with: Registry.bearer))
      let outcome = try us.pull("\(Registry.bearer)/private/large", environment: path)
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(us.text("bin/asked") == "get \(Registry.bearer)\n")
    }
  }

  @Test func `entries for a part of a registry, and under docker's spellings, are found`() throws {
    for key in ["HOST/private", "HOST/private/tiny", "https://HOST", "https://HOST/v1/", "https://HOST/v2/"] {
      try RegistryCaller.with { us in
        let host = key.replacingOccurrences(of: "HOST", with: Registry.bearer)
        try us.write("docker", to: "config.json", content: Self.table(host, Self.good))
        let outcome = try us.pull("\(Registry.bearer)/private/tiny")
        #expect(outcome.code == 0, "\(key): \(outcome.err)")
      }
    }
  }

  @Test func `files of Apptainer and Enroot are read, too`() throws {
    let host = String(Registry.bearer.prefix { $0 != ":" })
    for (folder, name, text, variable) in [
      ("apptainer", "docker-config.json", Self.table(Registry.bearer, Self.good), "APPTAINER_CONFIGDIR"),
      (
        "enroot", ".credentials",
        "machine \(host) login \(Registry.user) password \"\(Registry.password)\"\n",
        "ENROOT_CONFIG_PATH"
      ),
    ] {
      try RegistryCaller.with { us in
        try us.write(folder, to: name, content: text, mode: 0o600)
        let outcome = try us.pull(
          "\(Registry.bearer)/private/tiny", environment: [variable: us.path(folder)])
        #expect(outcome.code == 0, "\(name): \(outcome.err)")
      }
    }
  }

  @Test func `a password stands in no command line and in no line of --debug`() throws {
    try RegistryCaller.with { us in
      let path = try Self.addHelper(us, user: Registry.user, secret: Registry.password)
      try us.write(
        "docker", to: "config.json",
        content: "{\"credHelpers\": {\"\(Registry.bearer)\": \"apus-test\"}}")
      let secrets = [Registry.password, Self.encoded(Self.good)]
      let running = try Running(
        [Installed.apus, "-d", "pull", "out.sif", "docker://\(Registry.bearer)/private/large"], as: .user,
        environment: us.environment.merging(path) { $1 }, directory: us.folder)
      var seen = 0
      while kill(running.pid, 0) == 0, seen < 400 {
        for process in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
          guard let number = Int32(process),
            let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline")
          else { continue }
          let text = String(decoding: line, as: UTF8.self)
          for secret in secrets { #expect(!text.contains(secret), "\(text)") }
        }
        seen += 1
        if FileManager.default.fileExists(atPath: us.path("out.sif")) { break }
        usleep(5000)
      }
      let outcome = try running.finish()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(seen > 1)
      for secret in secrets { #expect(!outcome.out.contains(secret) && !outcome.err.contains(secret)) }
    }
  }
}
