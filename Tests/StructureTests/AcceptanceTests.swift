import Foundation
import Testing

/// Tests/ACCEPTANCE.md says what shows each promise: a test by its name, or a file of the repository.
@Suite struct AcceptanceTests {
  /// The second column of each row: what stands in backticks.
  static func claims() throws -> [(row: String, claim: String)] {
    let page = try String(
      contentsOf: ImportTests.root.appendingPathComponent("Tests/ACCEPTANCE.md"), encoding: .utf8)
    return page.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| Row") }.flatMap {
      line in
      let cells = line.split(separator: "|").map(String.init)
      guard cells.count >= 2 else { return [(row: String(line), claim: "")] }
      let quoted = cells[1].split(separator: "`", omittingEmptySubsequences: false)
      return stride(from: 1, to: quoted.count, by: 2).map { (cells[0], String(quoted[$0])) }
    }
  }

  static func names() throws -> Set<String> {
    let folder = ImportTests.root.appendingPathComponent("Tests")
    let files =
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?
      .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" } ?? []
    var names: Set<String> = []
    for file in files {
      let pieces = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "func `").dropFirst()
      for piece in pieces { names.insert(String(piece.prefix { $0 != "`" })) }
    }
    return names
  }

  @Test func `every row of the acceptance table names tests or files that exist`() throws {
    let names = try Self.names()
    let claims = try Self.claims()
    #expect(claims.count > 50)
    for (row, claim) in claims {
      let file = ImportTests.root.appendingPathComponent(claim).path
      #expect(
        names.contains(claim) || (claim.contains("/") && FileManager.default.fileExists(atPath: file)),
        "\(row): there is no test or file \(claim)")
    }
  }

  @Test func `every row of the acceptance table names something`() throws {
    let page = try String(
      contentsOf: ImportTests.root.appendingPathComponent("Tests/ACCEPTANCE.md"), encoding: .utf8)
    for line in page.split(separator: "\n") where line.hasPrefix("| ") && !line.hasPrefix("| Row") {
      #expect(line.split(separator: "|").count >= 2 && line.contains("`"), "\(line)")
    }
  }
}
