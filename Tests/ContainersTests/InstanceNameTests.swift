import Model
import Testing

@testable import Containers

@Suite struct InstanceNameTests {
  @Test(arguments: ["db", "1", "_x", "a.b-c_d", "UPPER.9"])
  func accepts(name: String) throws { #expect(try InstanceName(name).text == name) }

  @Test(arguments: [
    "", ".", "..", "-x", ".hidden", "a/b", "a b", "a@b", "a:b", "a+b", "ä",
    String(repeating: "x", count: 201),
  ])
  func `refuses, and says what a name is made of`(name: String) {
    do throws(InstanceFault) {
      _ = try InstanceName(name)
      Issue.record("accepted")
    } catch {
      #expect(error.isOfUsage && error.explanation.remedy.contains("letters"))
    }
  }

  @Test(
    arguments: [
      ("instance://db", "db"), ("instance://", ""), ("instance:db", nil), ("docker://db", nil), ("db", nil),
    ] as [(String, String?)])
  func `a reference begins with its scheme`(text: String, name: String?) {
    #expect(InstanceName.reference(text) == name)
  }

  @Test(
    arguments: [
      ("*", "db1", true), ("", "db1", false), ("db1", "db1", true), ("db", "db1", false),
      ("db*", "db1", true),
      ("*1", "db1", true), ("d?1", "db1", true), ("d?", "db1", false), ("*b*b", "abab", true),
      ("*b*b", "aba", false), ("db[0-3]", "db1", true), ("db[!0-3]", "db1", false), ("db[^2]", "db1", true),
      ("db[2", "db1", false), ("db[2", "db[2", true), ("d[abc]1", "db1", true), ("db[-1]", "db1", true),
      ("***", "", true), ("db1*", "db1", true),
    ] as [(String, String, Bool)])
  func `a pattern means names as a shell's does`(pattern: String, name: String, isMeant: Bool) {
    #expect(InstanceName.isNamed(name, by: pattern) == isMeant)
  }

  @Test func `what a file of procfs counts is read by its name`() {
    let numbers = InstanceUsage.numbers(in: "5f-60 ---p 0 0 0 [rollup]\nRss:\t  12 kB\nPss:   7 kB\nio: x\n")
    #expect(numbers["Pss"] == 7 && numbers["Rss"] == 12 && numbers["io"] == nil)
  }
}
