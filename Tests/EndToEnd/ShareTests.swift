import Foundation
import Testing

/// Many processes, one cache.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test"), .serialized) struct ShareTests
{
  /// Runs the same words in many processes at once. Gives what they wrote and those that failed.
  static func run(_ count: Int, _ us: RegistryCaller, _ words: [String]) throws -> Outcome {
    let script = """
      for i in $(seq \(count)); do "$@" $i & pids="$pids $!"; done
      for pid in $pids; do wait $pid || echo "failed with $?"; done
      """
    return try us.execute(["/bin/sh", "-c", script, "sh"] + words)
  }

  @Test(arguments: Caller.allCases)
  func `a hundred processes that want one image make one download and one conversion`(caller: Caller) throws {
    try RegistryCaller.with(caller) { us in
      try Registry.withFaults("[]") { scope in
        let image = "docker://\(Registry.proxy)/\(scope)/images/gzip"
        let outcome = try Self.run(100, us, [Installed.apus, "exec", image, "echo"])
        let numbers = outcome.out.split(separator: "\n").compactMap { Int($0) }.sorted()
        #expect(numbers == Array(1...100), "\(outcome.out)\(outcome.err)")
        let asked = PullTests.kinds(try Registry.requests(in: scope))
        #expect(asked.sorted() == ["GET blob", "GET blob", "GET blob", "GET blob", "GET latest"])
        #expect(outcome.err.components(separatedBy: "Putting the image together").count == 2)
        #expect(us.cached("images").count == 1)
        #expect(us.cached("partial") == [])
      }
    }
  }

  @Test func `without locks of the kernel there is one download and one conversion, too`() throws {
    try RegistryCaller.with { us in
      try Registry.withFaults("[]") { scope in
        let image = "docker://\(Registry.proxy)/\(scope)/images/gzip"
        let script = "exec \"$0\" \"$1\" pull \"out-$3.sif\" \"$2\""
        let outcome = try Self.run(
          32, us,
          ["/bin/sh", "-c", script, Installed.support("no-locks"), Installed.apus, image])
        #expect(outcome.code == 0)
        #expect(!outcome.out.contains("failed"), "\(outcome.out)\(outcome.err)")
        let first = try us.bytes("out-1.sif")
        for number in 2...32 { #expect(try us.bytes("out-\(number).sif") == first) }
        let asked = PullTests.kinds(try Registry.requests(in: scope))
        #expect(asked.filter { $0 == "GET blob" }.count == 4, "\(asked)")
        #expect(outcome.err.components(separatedBy: "Putting the image together").count == 2)
        #expect(us.cached("locks").filter { $0.hasSuffix("lease") } == [])
      }
    }
  }

  @Test func `of an image with a new top layer that layer alone is got`() throws {
    try RegistryCaller.with { us in
      try Registry.withFaults("[]") { scope in
        let repository = "changing-\(scope)/image"
        let image = "\(Registry.proxy)/\(scope)/\(repository)"
        try Registry.push("top-one", to: repository + ":latest")
        #expect(try us.pull(image).code == 0)
        let segments = us.cached("segments")
        #expect(segments.count == 3)
        let before = try Registry.requests(in: scope).count
        try Registry.push("top-two", to: repository + ":latest")
        let again = try us.pull(image)
        #expect(again.code == 0, "\(again.err)")
        #expect(try us.apus("exec", "pulled.sif", "cat", "/top").line == "two")
        let asked = Array(try Registry.requests(in: scope).dropFirst(before))
        #expect(PullTests.kinds(asked) == ["HEAD latest", "GET latest", "GET blob", "GET blob"])
        let top = try #require(try Registry.layers("top-two").last)
        #expect(asked.last.map { $0.path.hasSuffix(top.digest) && $0.bytes == top.size } == true)
        #expect(us.cached("segments").count == 4)
        #expect(segments.allSatisfy(us.cached("segments").contains))
      }
    }
  }
}
