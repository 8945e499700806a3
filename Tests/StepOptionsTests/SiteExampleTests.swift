import Foundation
import StepOptions
import Testing

/// site-config/slurm/plugstack-apus.conf and the table of docs/admin/slurm.md, against what is understood.
@Suite struct SiteExampleTests {
  static func text(_ path: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The words that begin a paragraph of the example.
  static func words() throws -> [String] {
    try text("site-config/slurm/plugstack-apus.conf").split(separator: "\n").compactMap { line in
      guard line.hasPrefix("# "), let word = line.dropFirst(2).split(separator: " ").first,
        word.contains("="),
        line.dropFirst(2).first != " "
      else { return nil }
      return String(word)
    }
  }

  static func documented() throws -> Set<String> {
    Set(
      try text("docs/admin/slurm.md").split(separator: "\n").compactMap { line in
        guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
        let key = String(line[line.index(line.startIndex, offsetBy: 3)..<end])
        return key.allSatisfy { $0.isLowercase || $0 == "_" } ? key : nil
      })
  }

  @Test func `every word of the example is understood`() throws {
    let site = try SiteOptions(words: try Self.words())
    #expect(site.notices.isEmpty, "\(site.notices)")
  }

  @Test func `the example and the page name the same keys`() throws {
    let keys = Set(try Self.words().map { String($0.prefix { $0 != "=" }) })
    #expect(keys.count > 15)
    #expect(keys == (try Self.documented()))
  }
}
