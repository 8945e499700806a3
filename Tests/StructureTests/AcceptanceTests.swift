import Foundation
import Testing

/// Tests/ACCEPTANCE.md says what shows each promise: tests by their names; files of the repository with a passage of
/// them; and of the speed to reach the parts of the benchmark with the title of the quantity.
@Suite struct AcceptanceTests {
  struct Row: Sendable {
    let section: String
    let promise: String
    /// What stands in back-ticks in the second column.
    let claims: [String]
  }

  static func rows() throws -> [Row] {
    let page = try text(of: "Tests/ACCEPTANCE.md")
    var section = ""
    var rows: [Row] = []
    for line in page.split(separator: "\n") {
      if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
      guard line.hasPrefix("| "), !line.hasPrefix("| Row") else { continue }
      let cells = line.split(separator: "|").map(String.init)
      let quoted = (cells.count > 1 ? cells[1] : "").split(separator: "`", omittingEmptySubsequences: false)
      let claims = stride(from: 1, to: quoted.count, by: 2).map { String(quoted[$0]) }
      rows.append(
        Row(section: section, promise: cells[0].trimmingCharacters(in: .whitespaces), claims: claims))
    }
    return rows
  }

  static func text(of path: String) throws -> String {
    try String(contentsOf: ImportTests.root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The names in back-ticks of functions that `@Test` stands above: the first function behind each of them.
  static func tests() throws -> Set<String> {
    let folder = ImportTests.root.appendingPathComponent("Tests")
    let files =
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?
      .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" } ?? []
    return try files.reduce(into: []) { try $0.formUnion(tests(in: String(contentsOf: $1, encoding: .utf8))) }
  }

  static func tests(in source: String) -> Set<String> {
    let code = source.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }
      .joined(separator: "\n")
    var names: Set<String> = []
    for piece in code.components(separatedBy: "@Test").dropFirst() {
      guard let start = piece.range(of: "func ")?.upperBound, piece[start...].hasPrefix("`") else { continue }
      names.insert(String(piece[start...].dropFirst().prefix { $0 != "`" }))
    }
    return names
  }

  /// The claims of a row that nothing stands behind, and why.
  static func faults(of row: Row, tests: Set<String>) throws -> [String] {
    let files = row.claims.filter { claim in
      !tests.contains(claim) && claim.contains("/")
        && FileManager.default.fileExists(atPath: ImportTests.root.appendingPathComponent(claim).path)
    }
    let texts = files.compactMap { try? text(of: $0) }
    let passages = row.claims.filter { !tests.contains($0) && !files.contains($0) }
    var faults: [String] = []
    if row.section == "Speed" {
      // A title stands in quotation marks in its part of the benchmark.
      for title in passages
      where !texts.contains(where: { $0.contains("\"\(title)\"") || $0.contains("'\(title)'") }) {
        faults.append("no part of the benchmark has a row \"\(title)\"")
      }
      if passages.isEmpty || !files.contains(where: { $0.hasPrefix("bench/") }) {
        faults.append("it names no part of the benchmark with a title")
      }
      return faults
    }
    for passage in passages where !texts.contains(where: { $0.contains(passage) }) {
      faults.append("there is no test or file \"\(passage)\", and no file of the row has it")
    }
    if passages.count + row.claims.count(where: { tests.contains($0) }) == 0 {
      faults.append("it names no test, and nothing in a file that shows it")
    }
    return faults
  }

  @Test func `every row of the acceptance table names tests or passages of files that exist`() throws {
    let tests = try Self.tests()
    let rows = try Self.rows()
    #expect(rows.count > 50)
    for row in rows { #expect(try Self.faults(of: row, tests: tests) == [], "\(row.promise)") }
  }

  @Test(arguments: [
    ("Commands", ["a test"], true), ("Commands", ["no test"], false), ("Commands", [], false),
    ("Commands", ["scripts/test"], false), ("Commands", ["scripts/test", "nothing is left behind"], true),
    ("Commands", ["no/such/file", "a test"], false), ("Speed", ["bench/start"], false),
    ("Speed", ["bench/start", "start, image mount shared"], true),
    ("Speed", ["bench/start", "no title"], false),
    ("Speed", ["start, image mount shared"], false),
  ])
  func `a row without anything behind it is found`(section: String, claims: [String], isShown: Bool) throws {
    let row = Self.Row(section: section, promise: "", claims: claims)
    #expect(try Self.faults(of: row, tests: ["a test"]).isEmpty == isShown)
  }

  @Test func `only functions under the attribute are tests`() {
    let source = """
      @Suite struct Some {
        @Test func `one`() {}
        func `helper`() {}
        // @Test func `switched off`() {}
        @Test(arguments: [1])
        func `two`(number: Int) {}
        @Test func plain() {}
        func `another helper`() {}
      }
      """
    #expect(Self.tests(in: source) == ["one", "two"])
  }
}
