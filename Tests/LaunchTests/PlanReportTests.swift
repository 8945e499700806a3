import Model
import Settings
import Testing

@testable import Launch

@Suite struct PlanReportTests {
  static func report(
    isPrivileged: Bool = false, _ change: (inout LaunchRequest) -> Void = { _ in }
  ) throws -> PlanReport {
    var host = Facts.node(environment: ["PATH=/bin", "TERM=vt100", "APUSENV_B=2", "A=host"])
    host.isPrivileged = isPrivileged
    host.environmentFiles = [EnvironmentText(path: "/vars", text: "F=1\n")]
    var image = Facts.image([
      ("10-docker2singularity.sh", "export PATH=/x A=image\n"), ("90-environment.sh", "export G=1 A=later\n"),
    ])
    image.passwd = ""
    return try PlanReport.make(
      Facts.request { request in
        request.environment = ["E=3"]
        change(&request)
      }, settings: Settings(), host: host, image: image,
      mount: ("kernel", "mounted somehow"))
  }

  @Test(arguments: [
    ("TERM", "the host"), ("B", "APUSENV_B"), ("E", "--env"), ("F", "/vars"),
    ("G", "the image's 90-environment.sh"),
    ("A", "the image's 90-environment.sh"), ("PATH", "the image's 10-docker2singularity.sh"),
    ("HOME", "the home directory inside"), ("APUS_NAME", "what the container is told of itself"),
    ("LD_LIBRARY_PATH", "where libraries of the host are bound to"), ("PS1", "the prompt of shells inside"),
    ("USER_PATH", "the host's PATH"),
  ])
  func `each variable is shown with where it came from`(name: String, source: String) throws {
    let report = try Self.report()
    #expect(
      report.text.split(separator: "\n").contains {
        $0.hasPrefix("  \(name)=") && $0.hasSuffix(" — " + source)
      })
    #expect(try Self.sources(report).contains { $0 == (name, source) })
  }

  /// Names and sources as programs read them.
  static func sources(_ report: PlanReport) throws -> [(name: String, source: String)] {
    let json = try JSON(parsing: Array(report.json.text(indented: true).utf8))
    guard case .array(let variables)? = json["environment"] else { return [] }
    return variables.map { ($0["name"]?.text ?? "", $0["source"]?.text ?? "") }
  }

  @Test(arguments: [(false, ["user", "mount", "uts"]), (true, ["mount", "uts"])])
  func `root's launch has no user namespace`(isPrivileged: Bool, kinds: [String]) throws {
    let report = try Self.report(isPrivileged: isPrivileged) { $0.uts = true }
    #expect(report.text.contains("\n  user — ") != isPrivileged)
    let json = try JSON(parsing: Array(report.json.text(indented: true).utf8))
    guard case .array(let namespaces)? = json["namespaces"] else {
      Issue.record("no namespaces")
      return
    }
    #expect(namespaces.map { $0["kind"]?.text ?? "" } == kinds)
  }

  @Test func `no variable is without a source`() throws {
    for clean in [false, true] {
      let sources = try Self.sources(try Self.report { $0.cleanEnvironment = clean })
      #expect(sources.count > 10)
      #expect(!sources.contains { $0.source.contains("for the image's shell") || $0.source.isEmpty })
      #expect(sources.first { $0.name == "LANG" }?.source == (clean ? "--cleanenv" : nil))
    }
  }

  @Test func `the mount, the namespaces and the program are there with their reasons`() throws {
    let text = try Self.report { $0.uts = true }.text
    for line in [
      "image: /images/tiny.sif, mounted somehow", "  user — every launch of a user's has one",
      "  uts — --uts",
      "  bind /home/ann at /home/ann — the home directory", "program: true",
    ] {
      #expect(text.contains("\n" + line) || text.hasPrefix(line), "\(line)")
    }
  }

  @Test func `the story of a launch names the root, each mount and the program`() throws {
    let plan = try Facts.plan()
    #expect(plan.story.count == plan.steps.count + 2)
    #expect(plan.story.allSatisfy { $0.level == .verbose })
    #expect(plan.story.first?.text == "root: the image itself (the image has every mount point)")
    #expect(plan.story.last?.text == "program: true")
  }
}
