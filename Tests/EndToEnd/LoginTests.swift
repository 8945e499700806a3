import Foundation
import Testing

/// Who we are, to a registry: `apus registry login`, and every other place that holds a name and a password.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test")) struct LoginTests {
  static var good: String { Registry.user + ":" + Registry.password }

  static func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

  /// Docker's form of the file.
  static func table(_ host: String, _ pair: String) -> String {
    "{\"auths\": {\"\(host)\": {\"auth\": \"\(encoded(pair))\"}}}"
  }

  /// The helper of the tests, `docker-credential-apus-test`: logs what it is asked and answers from a file.
  static func addHelper(_ us: RegistryCaller, user: String, secret: String) throws -> [String: String] {
    let log = us.path("bin/asked")
    let script = """
      #!/bin/sh
      read -r host
      echo "$1 $host" >>\(log)
      case $1 in
      get) printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}' "$host" '\(user)' '\(secret)' ;;
      list) echo '{"https://listed.example": "somebody"}' ;;
      esac
      """
    try us.write("bin", to: "docker-credential-apus-test", content: script + "\n", mode: 0o755)
    return ["PATH": us.path("bin") + ":/usr/bin:/bin"]
  }

  @Test func `Basic needs the right password, and a wrong one is one error after two requests`() throws {
    try RegistryCaller.with { us in
      let repository = try Registry.pushed("tiny", "basic")
      let image = "\(Registry.basic)/\(repository)"
      func ask(_ password: String) throws -> (outcome: Outcome, requests: [String]) {
        let before = try Registry.requests(.basic, about: repository).count
        let outcome = try us.pull(
          image, "--username", Registry.user, "--password-stdin", input: password + "\n")
        return (outcome, Array(try Registry.requests(.basic, about: repository).dropFirst(before)))
      }
      let wrong = try ask("wrong")
      #expect(wrong.outcome.code == 255)
      #expect(wrong.outcome.err.contains("credentials are refused"), "\(wrong.outcome.err)")
      #expect(wrong.outcome.err.contains(Registry.basic))
      #expect(wrong.outcome.err.components(separatedBy: "FATAL").count == 2)
      #expect(wrong.requests.count == 2, "\(wrong.requests)")
      let right = try ask(Registry.password)
      #expect(right.outcome.code == 0, "\(right.outcome.err)")
      // One that is refused, then all with the password.
      #expect(right.requests.count { $0.hasSuffix(" 401") } == 1, "\(right.requests)")
      let nobody = try us.pull(image)
      #expect(nobody.code == 255)
      #expect(nobody.err.contains("apus registry login \(Registry.basic)"), "\(nobody.err)")
    }
  }

  @Test func `over TLS a password goes to its registry, once that asked for it`() throws {
    try RegistryCaller.with { us in
      let rules = #"{"scope": "SCOPE", "port": "PROXY_TLS", "challenge": "Basic realm=\"tests\""}"#
      try Registry.withFaults(rules) { scope in
        let outcome = try us.pull(
          "\(Registry.proxyTLS)/\(scope)/images/tiny", "--username", Registry.user, "--password-stdin",
          environment: ["SSL_CERT_FILE": Registry.certificate("ca.crt")], input: Registry.password)
        #expect(outcome.code == 0, "\(outcome.err)")
        let asked = try Registry.requests(in: scope)
        #expect(asked.map(\.authorization) == [nil, "Basic", "Basic", "Basic"])
        #expect(asked.allSatisfy { $0.port == "PROXY_TLS" })
      }
    }
  }

  @Test(arguments: [false, true])
  func `bearer tokens: a public image for anybody, a private one by password, a denied one for nobody`(
    overTLS: Bool
  ) throws {
    try RegistryCaller.with { us in
      let host = overTLS ? Registry.bearerTLS : Registry.bearer
      let trust = overTLS ? ["SSL_CERT_FILE": Registry.certificate("ca.crt")] : [:]
      let id = UUID().uuidString.lowercased()
      func ask(_ repository: String, _ words: [String], input: String? = nil) throws -> (Outcome, [String]) {
        try Registry.push("tiny", to: repository + ":latest")
        let outcome = try us.execute(
          [Installed.apus, "pull", "-F", "out.sif", "docker://\(host)/\(repository)"] + words,
          environment: trust, input: input)
        return (outcome, try Registry.requests(.token, about: repository))
      }
      let (open, openTokens) = try ask("public/\(id)", [])
      #expect(open.code == 0, "\(open.err)")
      #expect(openTokens.count == 1, "\(openTokens)")
      let (known, knownTokens) = try ask(
        "private/\(id)", ["--username", Registry.user, "--password-stdin"], input: Registry.password)
      #expect(known.code == 0, "\(known.err)")
      #expect(knownTokens.count == 1, "\(knownTokens)")
      let (denied, deniedTokens) = try ask("denied/\(id)", [])
      #expect(denied.code == 255)
      #expect(denied.err.contains("access is denied, or there is no such repository"), "\(denied.err)")
      #expect(deniedTokens.count <= 2, "\(deniedTokens)")
      let (wrong, wrongTokens) = try ask(
        "private/wrong-\(id)", ["--username", Registry.user, "--password-stdin"], input: "wrong")
      #expect(wrong.code == 255)
      #expect(wrong.err.contains("credentials are refused"), "\(wrong.err)")
      #expect(wrongTokens.count <= 2, "\(wrongTokens)")
    }
  }

  @Test(arguments: [true, false])
  func `an identity token is posted, or goes along where the server takes no POST`(takesPost: Bool) throws {
    try RegistryCaller.with { us in
      let repository = try Registry.pushed("tiny", "private/identity")
      try Registry.tokens("{\"repository\": \"\(repository)\", \"post\": \(takesPost)}")
      try us.write(
        "docker", to: "config.json",
        content: "{\"auths\": {\"\(Registry.bearer)\": {\"identitytoken\": \"\(Registry.identityToken)\"}}}")
      let outcome = try us.pull("\(Registry.bearer)/\(repository)")
      #expect(outcome.code == 0, "\(outcome.err)")
      let asked = try Registry.requests(.token, about: repository)
      #expect(asked.map { $0.prefix(4) } == (takesPost ? ["POST"] : ["POST", "GET "]), "\(asked)")
    }
  }

  @Test func `a token that runs out during a transfer is replaced`() throws {
    try RegistryCaller.with { us in
      let large = try Registry.layers("large")[1].digest
      // The registry wants a token for everything, breaks a transfer off, and then finds the token too old.
      let challenge =
        "Bearer realm=\\\"http://\(Registry.token)/token\\\",service=\\\"apus-tests\\\","
        + "scope=\\\"repository:SCOPE/large:pull\\\""
      let rules = """
        [{"scope": "SCOPE", "challenge": "\(challenge)", "authorized": false},
         {"scope": "SCOPE", "path": "\(large)", "range": true, "times": 1, "status": 401,
          "headers": {"WWW-Authenticate": "\(challenge)"}},
         {"scope": "SCOPE", "path": "\(large)", "cut": 5000000, "times": 1}]
        """
      try Registry.withFaults(rules) { scope in
        let outcome = try us.pull("\(Registry.proxy)/\(scope)/images/large")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(try Registry.requests(.token, about: scope).count == 2)
        let refused = try Registry.requests(in: scope).filter { $0.status == 401 }
        #expect(refused.map(\.authorization) == [nil, "Bearer"])
      }
    }
  }

  @Test func `a transfer that is cut again and again ends well, though its tokens run out on the way`() throws
  {
    try RegistryCaller.with { us in
      let (large, size) = try Registry.layers("large")[1]
      let challenge =
        "Bearer realm=\\\"http://\(Registry.token)/token\\\",service=\\\"apus-tests\\\","
        + "scope=\\\"repository:SCOPE/large:pull\\\""
      // Every third time that it goes on the token has become too old.
      let old = [2, 5, 8].map {
        """
        {"scope": "SCOPE", "path": "\(large)", "range": true, "skip": \($0), "times": 1, "status": 401,
         "headers": {"WWW-Authenticate": "\(challenge)"}}
        """
      }
      let rules = """
        [{"scope": "SCOPE", "challenge": "\(challenge)", "authorized": false}, \(old.joined(separator: ", ")),
         {"scope": "SCOPE", "path": "\(large)", "cut": 700000}]
        """
      try Registry.withFaults(rules) { scope in
        let outcome = try us.pull("\(Registry.proxy)/\(scope)/images/large")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(try Registry.requests(.token, about: scope).count == 4)
        let asked = try Registry.requests(in: scope).filter { $0.path.contains(large) }
        let offsets = asked.compactMap { $0.range?.dropFirst("bytes=".count).dropLast() }.compactMap {
          Int($0)
        }
        #expect(offsets.count > size / 700_000 && offsets == offsets.sorted(), "\(offsets)")
        // What came is not asked for again.
        #expect(asked.filter { $0.status < 300 }.reduce(0) { $0 + $1.bytes } < size + size / 4)
        #expect(us.cached("partial") == [])
      }
    }
  }

  /// Runs `apus WORDS` on a terminal where these questions are answered; what came on the screen is `out`.
  static func atTerminal(
    _ us: RegistryCaller, _ talk: [(question: String, answer: String)], _ words: String...
  ) throws -> Outcome {
    let program = try String(
      contentsOfFile: Installed.checkout + "/Tests/Support/at-terminal.py", encoding: .utf8)
    try us.write("bin", to: "at-terminal.py", content: program, mode: 0o755)
    return try us.execute(
      ["/usr/bin/python3", "-B", us.path("bin/at-terminal.py"), Installed.apus] + words,
      input: talk.map { $0.question + "\n" + $0.answer + "\n" }.joined())
  }

  enum Prompting: String, CaseIterable, Sendable { case pull, launch, login }

  @Test(arguments: Prompting.allCases, [true, false])
  func `who is asked at the terminal types a password that nobody sees`(
    prompting: Prompting, isRight: Bool
  ) throws {
    try RegistryCaller.with { us in
      let password = isRight ? Registry.password : "not the password"
      let talk = [("User name: ", Registry.user), ("Password: ", password)]
      let image = "docker://\(Registry.basic)/images/tiny"
      let outcome =
        switch prompting {
        case .pull: try Self.atTerminal(us, talk, "pull", "--docker-login", "out.sif", image)
        case .launch: try Self.atTerminal(us, talk, "exec", "--docker-login", image, "echo", "it", "runs")
        case .login: try Self.atTerminal(us, talk, "registry", "login", Registry.basic)
        }
      #expect(outcome.code == (isRight ? 0 : 255), "\(outcome.out)")
      #expect(outcome.out.contains("User name: ") && outcome.out.contains("Password: "))
      #expect(outcome.out.contains(Registry.user), "what is typed as a name is shown")
      #expect(!outcome.out.contains(password), "\(outcome.out)")
      let fatal = outcome.out.split(whereSeparator: \.isNewline).filter { $0.contains("FATAL:   ") }
      #expect(fatal.count == (isRight ? 0 : 1), "\(outcome.out)")
      if !isRight { #expect(fatal.first?.contains("refused") == true, "\(outcome.out)") }
      switch prompting {
      case .pull: #expect(FileManager.default.fileExists(atPath: us.path("out.sif")) == isRight)
      case .launch: #expect(outcome.out.contains("it runs") == isRight)
      case .login: #expect((us.text("config/auth.json") != nil) == isRight)
      }
      // Only a login keeps what was typed.
      if prompting != .login { #expect(us.text("config/auth.json") == nil) }
    }
  }

  @Test func `without a terminal nobody is asked`() throws {
    try RegistryCaller.with { us in
      let outcome = try us.execute(
        [
          "/usr/bin/setsid", "-w", Installed.apus, "pull", "--docker-login", "o.sif",
          "docker://\(Registry.basic)/images/tiny",
        ])
      #expect(outcome.code == 255 && outcome.err.contains("there is no terminal"), "\(outcome.err)")
      #expect(outcome.err.contains("--password-stdin"))
    }
  }

  @Test(arguments: Caller.allCases)
  func `login tries the password, keeps it for the caller alone, and logout forgets it`(caller: Caller) throws
  {
    try RegistryCaller.with(caller) { us in
      let host = Registry.basic
      func login(_ password: String) throws -> Outcome {
        try us.apus(
          "registry", "login", "-u", Registry.user, "--password-stdin", host, input: password + "\n")
      }
      let wrong = try login("wrong")
      #expect(wrong.code == 255)
      #expect(wrong.err.contains(host) && wrong.err.contains("refused"), "\(wrong.err)")
      #expect(us.text("config/auth.json") == nil)
      let right = try login(Registry.password)
      #expect(right.code == 0, "\(right.err)")
      let attributes = try FileManager.default.attributesOfItem(atPath: us.path("config/auth.json"))
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      let table = try Peers.object(us.text("config/auth.json") ?? "")
      let entry = (table?["auths"] as? [String: Any])?[host] as? [String: String]
      #expect(entry == ["auth": Self.encoded(Self.good)])
      let listed = try us.apus("registry", "list")
      #expect(listed.out.contains(host) && listed.out.contains(Registry.user))
      #expect(!listed.out.contains(Registry.password))
      #expect(try us.pull("\(host)/images/tiny").code == 0)
      #expect(try us.apus("registry", "logout", host).code == 0)
      #expect(try us.apus("registry", "list").out == "")
      #expect(us.text("config/auth.json")?.contains("auth\":") == false)
      #expect(try us.pull("\(host)/images/gzip").code == 255)
      let again = try us.apus("registry", "logout", host)
      #expect(again.err.contains("nothing is kept for \(host)"), "\(again.err)")
    }
  }

  @Test func `login to a registry with tokens, or into a file of another name`() throws {
    try RegistryCaller.with { us in
      let login = try us.apus(
        "registry", "login", "--authfile", us.path("other.json"), "-u", Registry.user, "--password-stdin",
        Registry.bearer, input: Registry.password)
      #expect(login.code == 0, "\(login.err)")
      #expect(us.text("config/auth.json") == nil)
      let image = "\(Registry.bearer)/private/tiny"
      #expect(try us.pull(image).code == 255)
      let named = try us.pull(image, "--authfile", us.path("other.json"))
      #expect(named.code == 0, "\(named.err)")
      let list = try us.apus("registry", "list", "--json", "--authfile", us.path("other.json"))
      #expect(list.out.contains("\"\(Registry.bearer)\""), "\(list.out)")
    }
  }

  @Test func `a helper that the file names keeps the password and is told so`() throws {
    try RegistryCaller.with { us in
      let path = try Self.addHelper(us, user: Registry.user, secret: Registry.password)
      try us.write(
        "config", to: "auth.json", content: "{\"credHelpers\": {\"\(Registry.basic)\": \"apus-test\"}}",
        mode: 0o600)
      let login = try us.apus(
        "registry", "login", "-u", Registry.user, "--password-stdin", Registry.basic, environment: path,
        input: Registry.password)
      #expect(login.code == 0, "\(login.err)")
      #expect(login.err.contains("docker-credential-apus-test"))
      #expect(us.text("config/auth.json")?.contains(Self.encoded(Self.good)) == false)
      #expect(us.text("bin/asked")?.hasPrefix("store ") == true)
      let out = try us.apus("registry", "logout", Registry.basic, environment: path)
      #expect(out.code == 0, "\(out.err)")
      #expect(us.text("bin/asked")?.contains("erase ") == true)
    }
  }
}
