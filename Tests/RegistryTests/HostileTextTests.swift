import HTTP
import Reference
import Testing

@testable import Registry

/// Texts from networks and files, damaged at random: whatever they say, nobody traps.
@Suite struct HostileTextTests {
  static let seeds = [
    #"Bearer realm="https://a/t",service="a\\"b",scope="repository:x:pull", Basic realm=x, Negotiate YII=="#,
    "docker-archive:/a/b:c@sha256:00:@1", "h.io:5000/a/b-c__d:tag@sha256:0123", "[::1]:5000/a:b",
    "library://a/b:c",
    "https://h/a%20b?c#d", "linux/arm/v7", #"{"auths":{"x.h.io":{"auth":"dTpw"}},"credHelpers":{"a":"b"}}"#,
    "[[registry]]\nprefix='*.h.io'\nlocation=\"\\u0068\"\n[[registry.mirror]]\n",
    "a=[\"b\", 'c', # d\n]\nb = true\n[x.\"y\"]\n", "machine h login \"a\\\"b\" password c\nmacdef x\n\n",
  ]

  @Test func `damaged texts trap nowhere`() {
    var generator = Generator(state: 42)
    let folders = CertificateFolders(folders: ["/c"])
    for round in 0..<4000 {
      var bytes = Array(Self.seeds[round % Self.seeds.count].utf8)
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = Int.random(in: 0..<max(bytes.count, 1), using: &generator)
        switch Int.random(in: 0...3, using: &generator) {
        case 0 where !bytes.isEmpty: bytes[place] = .random(in: 0...255, using: &generator)
        case 1 where !bytes.isEmpty: bytes.remove(at: place)
        case 2:
          bytes.insert(
            Array("\"'\\[]=:/@%,#\n ".utf8).randomElement(using: &generator) ?? 0, at: min(place, bytes.count)
          )
        default: bytes = Array(bytes.prefix(place))
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      _ = Challenge.preferred(among: Challenge.parse([text]))
      _ = (try? ImageReference(parsing: text))?.credentialKeys
      _ = try? RegistryName(parsing: text)
      _ = try? Platform(parsing: text)
      if let source = try? SourceName(parsing: text) {
        _ = source.candidates
        _ = try? OutputName.of(source)
      }
      let reference = ImageReference(registry: "x.h.io", repository: "a/b", tag: "c", digest: nil)
      _ = try? RegistriesConfiguration(parsing: [("c", bytes)]).endpoints(for: reference)
      _ = NetrcFile(parsing: text).credential(for: reference.registryName)
      _ = try? CredentialTable(parsing: bytes, path: "c").credential(for: reference.credentialKeys)
      _ = Base64.decode(text)
      _ = try? folders.certificates(for: text) { _ in [text, "a.crt"] }
    }
  }

  /// The same texts in every run (splitmix64).
  struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}
