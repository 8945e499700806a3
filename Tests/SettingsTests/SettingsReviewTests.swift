import Foundation
import Testing

@testable import Settings

@Suite struct SettingsReviewTests {
  static let text = """
    # ours
    mount home = no
    muont tmp = no
    mount tmp = perhaps
    nonsense
    mount home = yes
    allow setuid = yes
    always use nv = yes
    always use rocm = no
    bind path = /data:/data:ro
    image store = /a, /b
    image store = /c
    """

  @Test func `every line that has something wrong is found, with its level`() {
    let review = SettingsReview(Self.text, path: "c")
    #expect(
      review.findings.map { "\($0.line) \($0.level.rawValue)" } == [
        "3 warning", "4 error", "5 error", "6 warning", "7 note", "8 warning", "9 note",
      ])
    for finding in review.findings { #expect(!finding.text.isEmpty && !finding.remedy.isEmpty) }
    #expect(!review.settings.mountsHome && review.settings.mountsTemporary)
  }

  @Test(
    arguments: [
      ("mount home", [("no", 2)]), ("mount sys", [("yes", nil)]), ("bind path", [("/data:/data:ro", 10)]),
      ("image store", [("/a", 11), ("/b", 11), ("/c", 12)]), ("sessiondir max size", [("", nil)]),
      ("mount linger", [("5", nil)]), ("limit container paths", [("", nil)]),
    ] as [(String, [(String, Int?)])])
  func `a value has the line it comes from`(key: String, values: [(String, Int?)]) {
    let found = SettingsReview(Self.text, path: "c").values.filter { $0.key == key }
    #expect(found.map(\.value) == values.map(\.0) && found.map(\.line) == values.map(\.1))
  }

  @Test func `an empty list is a value, and takes the place of the built-in one`() {
    let review = SettingsReview("bind path =\n", path: "c")
    #expect(review.values.filter { $0.key == "bind path" } == [.init(key: "bind path", value: "", line: 1)])
  }

  /// The sources are read: a key that can be set and is forgotten elsewhere would be found by nobody.
  @Test func `what can be set is shown, and what is shown can be set and stands in the template`() throws {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    let source = try String(
      contentsOf: folder.appendingPathComponent("Sources/Core/Settings/Settings.swift"), encoding: .utf8)
    let keys = source.matches(of: /case ((?:"[^"]+"(?:, )?)+):/).flatMap { match in
      match.1.matches(of: /"([a-z][a-z _]+ [a-z _]+)"/).map { String($0.1) }
    }.filter { $0.contains(" ") }
      .filter { key in !ForeignDirective.all.contains { $0.key == key } }
    let shown = Settings().shown.map(\.key)
    #expect(keys.count > 20 && Set(keys) == Set(shown))
    #expect(Set(shown).count == shown.count)
    let template = try String(
      contentsOf: folder.appendingPathComponent("site-config/apus.conf"), encoding: .utf8)
    for key in shown {
      #expect(template.contains("\n\(key) = ") || template.contains("\n# \(key) = "), "\(key)")
    }
    for foreign in ForeignDirective.all { #expect(!shown.contains(foreign.key), "\(foreign.key)") }
  }

  @Test func `what is shown is a file that says the same`() throws {
    var settings = try Settings(
      parsing: "mount dev = minimal\nmount linger = 0.5\nbind path = /a\nlimit container owners = x, 7\n",
      path: "c")
    settings.memoryType = .ramfs
    let text = settings.shown.flatMap { key, values in values.map { "\(key) = \($0)\n" } }.joined()
    #expect(try Settings(parsing: text, path: "c") == settings)
  }
}
