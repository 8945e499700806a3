import Testing

@testable import CommandLine

@Suite struct ManualTests {
  @Test func `every command that is shown has a page, those with a hyphen too`() throws {
    #expect(Manual.pages.contains(["run-help"]) && Manual.pages.contains(["sif", "list"]))
    #expect(Manual.pages.count == Commands.all.count { !$0.isHidden })
    for words in Manual.pages {
      let page = try #require(Manual.page(words, version: "1"))
      #expect(page.contains(".SH SYNOPSIS\n.B apus ") && !page.contains(" \n"))
    }
  }

  @Test(
    arguments: [
      (["exec"], ["127", "255", "application"], []),
      (["build"], ["255 if the command failed"], ["127", "application"]),
      (["inspect"], ["255 if the command failed", "application"], ["127"]),
      ([], ["127", "other commands"], []),
    ] as [([String], [String], [String])])
  func `a page tells the exit codes of its command`(words: [String], said: [String], unsaid: [String]) throws
  {
    let page = try #require(Manual.page(words, version: "1"))
    for text in said { #expect(page.contains(text)) }
    for text in unsaid { #expect(!page.contains(text)) }
  }
}
