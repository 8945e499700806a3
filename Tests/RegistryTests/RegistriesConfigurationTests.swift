import Foundation
import Loopback
import Model
import Reference
import Registry
import Testing

/// Acceptance test A9, the order of places.
@Suite struct RegistriesConfigurationTests {
  static func endpoints(_ text: String, _ reference: String) throws -> [String] {
    let configuration = try RegistriesConfiguration(parsing: [("c.conf", Array(text.utf8))])
    return try configuration.endpoints(for: ImageReference(parsing: reference)).map { endpoint in
      endpoint.host + "/" + endpoint.repository + (endpoint.isInsecure ? " insecure" : "")
        + (endpoint.isByDigestOnly ? " digest" : "") + (endpoint.isByTagOnly ? " tag" : "")
    }
  }

  static let mirrors = """
    unqualified-search-registries = ["evil.example", 'quay.io', ] # not used
    short-name-mode = "enforcing"
    [[registry]]
    prefix = "docker.io"   # a comment
    location = "docker.io"
    [[registry.mirror]]
    location = "m1.example:5000"
    insecure = true
    [[ registry.mirror ]]
    location = 'm2.example/hub/'
    pull-from-mirror = "digest-only"
    [[registry.mirror]]
    location = "m3.example"
    pull-from-mirror = "tag-only"
    [aliases]
    "alpine" = "evil.example/alpine"
    """

  static let rewritten: [(String, String, [String])] = [
    ("", "alpine", ["registry-1.docker.io/library/alpine"]), ("", "h.io:1/a/b", ["h.io:1/a/b"]),
    (
      mirrors, "alpine",
      [
        "m1.example:5000/library/alpine insecure", "m2.example/hub/library/alpine digest",
        "m3.example/library/alpine tag", "registry-1.docker.io/library/alpine",
      ]
    ),
    (mirrors, "quay.io/a", ["quay.io/a"]),
    ("[[registry]]\nlocation='h.io'\ninsecure=true", "h.io/a", ["h.io/a insecure"]),
    ("[[registry]]\nlocation='h.io'\ninsecure=true", "h.io:5000/a", ["h.io:5000/a insecure"]),
    ("[[registry]]\nlocation='h.io'\ninsecure=true", "h.iox/a", ["h.iox/a"]),
    ("[[registry]]\nprefix='h.io/a'\nlocation='n.io/x/y'", "h.io/a/b:1", ["n.io/x/y/b"]),
    ("[[registry]]\nprefix='h.io/a'\nlocation='n.io/x/y'", "h.io/ab", ["h.io/ab"]),
    ("[[registry]]\nprefix='h.io/a/b'\nlocation='n.io/c'", "h.io/a/b", ["n.io/c"]),
    ("[[registry]]\nprefix='h.io/a:1'\ninsecure=true", "h.io/a:1", ["h.io/a insecure"]),
    ("[[registry]]\nprefix='h.io/a:1'\ninsecure=true", "h.io/a:2", ["h.io/a"]),
    (
      "[[registry]]\nprefix='h.io'\nlocation='short.io'\n[[registry]]\nprefix='h.io/a'\nlocation='long.io'",
      "h.io/a/b", ["long.io/b"]
    ),
    ("[[registry]]\nprefix='*.h.io'\ninsecure=true", "x.y.h.io/a", ["x.y.h.io/a insecure"]),
    ("[[registry]]\nprefix='*.h.io'\ninsecure=true", "h.io/a", ["h.io/a"]),
    ("[[registry]]\nprefix='*.h.io'\ninsecure=true", "x.h.io:5000/a", ["x.h.io:5000/a insecure"]),
    ("[[registry]]\nprefix='*.h.io'\ninsecure=true", "x.h.io.evil.io/a", ["x.h.io.evil.io/a"]),
    ("[[registry]]\nprefix='*.h.io'\ninsecure=true", "x.io/a.h.io", ["x.io/a.h.io"]),
    ("[[registry]]\nprefix='*.h.io/b'\nlocation='n.io/c'", "x.h.io/b/a", ["n.io/c/a"]),
    ("[[registry]]\nprefix='*.h.io'\nlocation='n.io/c'", "x.h.io/b/a", ["n.io/c/b/a"]),
    (
      "[[registry]]\nprefix='*.h.io'\nlocation='wild.io'\n[[registry]]\nprefix='x.h.io'\nlocation='own.io'",
      "x.h.io/a", ["own.io/a"]
    ),
    (
      "[[registry]]\nlocation='h.io'\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation='m.io'\npull-from-mirror='tag-only'",
      "h.io/a", ["m.io/a digest", "h.io/a"]
    ),
    (
      "[[registry]]\nprefix='h.io'\nlocation='docker.io/library'", "h.io/a",
      ["registry-1.docker.io/library/a"]
    ),
    ("[registries.insecure]\nregistries=['h.io',\n 'i.io' # x\n]", "i.io/a", ["i.io/a insecure"]),
    ("[registries.search]\nregistries=['h.io']", "a", ["registry-1.docker.io/library/a"]),
    ("\u{FEFF}[[registry]]\r\nlocation=\"h.io\"\r\ninsecure=true\r\n", "h.io/a", ["h.io/a insecure"]),
    ("[[registry]]\nlocation=\"\\u0068.io\"\ninsecure=true\nx.y=-1.5e3", "h.io/a", ["h.io/a insecure"]),
    ("[[registry]]\nlocation='[::1]:5000'\ninsecure=true", "[::1]:5000/a", ["[::1]:5000/a insecure"]),
  ]

  @Test(arguments: rewritten)
  func `an image is asked for in these places, in this order`(
    text: String, reference: String, places: [String]
  ) throws {
    #expect(try Self.endpoints(text, reference) == places)
  }

  @Test(
    arguments: [
      ("[[registry]]\nlocation='h.io'\nblocked=true", "h.io/a", "h.io"),
      ("[[registry]]\nprefix='*.h.io'\nblocked=true", "x.h.io/a", "*.h.io"),
      ("[registries.block]\nregistries=['h.io']", "h.io/a", "h.io"),
    ])
  func `a blocked registry is refused with the file that blocks it`(
    text: String, reference: String, prefix: String
  ) throws {
    let name = try ImageReference(parsing: reference).name
    #expect(throws: RegistriesFault.blocked(name: name, prefix: prefix, path: "c.conf")) {
      try Self.endpoints(text, reference)
    }
  }

  @Test func `a location without a path does for a prefix that leaves a name only`() {
    #expect(throws: RegistriesFault.rewriting(name: "h.io/a", location: "n.io", path: "c.conf")) {
      try Self.endpoints("[[registry]]\nprefix='h.io/a'\nlocation='n.io'", "h.io/a")
    }
  }

  static let refused: [(String, Int)] = [
    ("[[registry]]", 1), ("\n[[registry]]\ninsecure=true", 2), ("[registry]\nlocation='h'", 1),
    ("[[registry.mirror]]\nlocation='h'", 1), ("[[registry]]\nlocation='h'\n[[registry.mirror]]\n", 3),
    ("[[registry]]\nlocation=h", 2), ("[[registry]]\nlocation=true", 2), ("[[registry]]\ninsecure='yes'", 2),
    ("[[registry]]\nlocation='https://h.io'", 2), ("[[registry]]\nlocation='h.io//a'", 2),
    ("[[registry]]\nlocation='h'\nlocation='i'", 3), ("[[registry]\nlocation='h'", 1), ("a", 1), ("a=", 1),
    ("\n\na='x", 3), ("a=\"x\ny\"", 1), ("a=\"\\q\"", 1), ("a=\"\\uD800\"", 1), ("a='''x'''", 1),
    ("a={b=1}", 1), ("a=[['b']]", 1), ("a=['b' 'c']", 1), ("a=['b',\n'c'", 2), ("a='b' c", 1), ("=1", 1),
    ("a=\u{1}", 1),
    ("[[registry]]\nlocation='h'\n[[registry.mirror]]\nlocation='m'\npull-from-mirror='x'", 5),
    ("[[registry]]\nprefix='*.'", 2), ("[[registry]]\nprefix='a.*'", 2), ("[]", 1),
  ]

  @Test(arguments: refused) func `refuses with file and line`(text: String, line: Int) {
    do {
      _ = try RegistriesConfiguration(parsing: [("c.conf", Array(text.utf8))])
      Issue.record("no fault")
    } catch {
      #expect(error.explanation.what.contains("c.conf"))
      #expect(error.explanation.why.hasPrefix("line \(line):"), "\(error.explanation.why)")
    }
  }

  static func read(_ folder: Folder, _ variables: [String: String] = [:]) throws -> [String] {
    let configuration = try RegistriesConfiguration.read(
      environment: { variables[$0] }, home: folder.path + "/home", system: folder.path + "/etc")
    return try configuration.endpoints(for: ImageReference(parsing: "h.io/a")).map(\.host)
  }

  static func location(_ name: String) -> String { "[[registry]]\nprefix='h.io'\nlocation='\(name)'\n" }

  @Test func `the user's file replaces the system's, and the folders come on top`() throws {
    let folder = try Folder()
    #expect(try Self.read(folder) == ["h.io"])
    try folder.write("etc/registries.conf", Self.location("system.io"))
    #expect(try Self.read(folder) == ["system.io"])
    try folder.write("home/.config/containers/registries.conf", Self.location("user.io"))
    #expect(try Self.read(folder) == ["user.io"])
    try folder.write("home/.config/containers/registries.conf", "")
    #expect(try Self.read(folder) == ["h.io"])
    try folder.write("etc/registries.conf.d/1.conf", Self.location("one.io"))
    try folder.write("etc/registries.conf.d/2.conf", Self.location("two.io"))
    try folder.write("etc/registries.conf.d/3.off", "nonsense")
    #expect(try Self.read(folder) == ["two.io"])
    try folder.write("home/.config/containers/registries.conf.d/0.conf", Self.location("zero.io"))
    #expect(try Self.read(folder) == ["zero.io"])
    let named = try folder.write("named.conf", Self.location("named.io"))
    #expect(try Self.read(folder, ["CONTAINERS_REGISTRIES_CONF": named]) == ["named.io"])
    #expect(throws: RegistriesFault.self) {
      try Self.read(folder, ["CONTAINERS_REGISTRIES_CONF": named + "x"])
    }
  }
}
