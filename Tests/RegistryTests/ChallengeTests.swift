import Registry
import Testing

/// Acceptance test A2: `WWW-Authenticate` as servers write it.
@Suite struct ChallengeTests {
  static func bearer(_ realm: String, _ rest: [String: String] = [:]) -> Challenge {
    Challenge(scheme: "bearer", parameters: rest.merging(["realm": realm]) { first, _ in first })
  }
  static func basic(_ realm: String) -> Challenge { Challenge(scheme: "basic", parameters: ["realm": realm]) }
  static func bare(_ scheme: String) -> Challenge { Challenge(scheme: scheme, parameters: [:]) }

  static let headers: [([String], [Challenge])] = [
    ([], []), ([""], []), ([" , ,"], []),
    ([#"Basic realm="Registry""#], [basic("Registry")]), ([#"BASIC Realm="Registry""#], [basic("Registry")]),
    (["Basic realm=Registry"], [basic("Registry")]), (["Basic"], [bare("basic")]),
    (
      [#"Bearer realm="https://a/token",service="a",scope="repository:x/y:pull""#],
      [bearer("https://a/token", ["service": "a", "scope": "repository:x/y:pull"])]
    ),
    (
      [#"Bearer realm="https://a/token" , service = "a" ,scope="repository:x/y:pull,push""#],
      [bearer("https://a/token", ["service": "a", "scope": "repository:x/y:pull,push"])]
    ),
    ([#"Bearer realm="https://a", Basic realm="b""#], [bearer("https://a"), basic("b")]),
    ([#"Basic realm="b""#, #"Bearer realm="https://a""#], [basic("b"), bearer("https://a")]),
    ([#"Negotiate, Basic realm="b""#], [bare("negotiate"), basic("b")]),
    ([#"Negotiate YIIabc/+=, Basic realm="b""#], [bare("negotiate"), basic("b")]),
    ([#"Negotiate YIIabc=="#, #"Bearer realm="https://a""#], [bare("negotiate"), bearer("https://a")]),
    ([#"Basic realm="a \"quoted\", text\\""#], [basic(#"a "quoted", text\"#)]),
    ([#"Bearer realm="https://a",realm="https://evil""#], [bearer("https://a")]),
    (["Bearer realm=https://a/token,service=a"], [bearer("https://a/token", ["service": "a"])]),
    ([#"Bearer realm="https://a" service="a""#], [bearer("https://a", ["service": "a"])]),
    ([#"Basic realm="open"#], [basic("open")]), ([#"Basic realm="end\"#], [basic(#"end\"#)]),
    (["Basic realm="], [bare("basic")]), ([#"realm="x", service="y""#], []),
    ([#"("", Basic realm="b""#], [basic("b")]),
    (
      [#"Bearer realm="https://a",error="insufficient_scope",scope="""#],
      [bearer("https://a", ["error": "insufficient_scope", "scope": ""])]
    ),
    (
      [#"Digest realm="d", qop="auth,auth-int", Basic realm="b""#],
      [Challenge(scheme: "digest", parameters: ["realm": "d", "qop": "auth,auth-int"]), basic("b")]
    ),
    (["Bearer\trealm=\"https://a\""], [bearer("https://a")]),
    (
      [#"Newauth realm="n", type=1, Basic realm="b""#],
      [Challenge(scheme: "newauth", parameters: ["realm": "n", "type": "1"]), basic("b")]
    ),
  ]

  @Test(arguments: headers)
  func `headers hold these challenges`(headers: [String], challenges: [Challenge]) {
    #expect(Challenge.parse(headers) == challenges)
  }

  @Test(
    arguments: [
      ([#"Basic realm="b", Bearer realm="https://a""#], "bearer"), (["Negotiate, Basic"], "basic"),
      (["Bearer", #"Basic realm="b""#], "basic"), (["Bearer"], nil), (["Negotiate"], nil), ([], nil),
    ] as [([String], String?)])
  func `a token is preferred to a password`(headers: [String], scheme: String?) {
    #expect(Challenge.preferred(among: Challenge.parse(headers))?.scheme == scheme)
  }

  @Test func `a header without end is bounded`() {
    #expect(Challenge.parse([String](repeating: "Basic, Basic", count: 1000)).count == 32)
    #expect(Challenge.parse([String(repeating: "a=\"", count: 1_000_000)]).count <= 32)
  }
}
