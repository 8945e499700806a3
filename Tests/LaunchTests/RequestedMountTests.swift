import Model
import Settings
import Testing

@testable import Launch

/// Mounts that come as values, and what else a caller other than the command line asks for.
@Suite struct RequestedMountTests {
  static let host = Facts.node(
    ["/data": .directory, "/file": .other, "/spool/script": .other, "/dev/null": .other])

  static func bind(
    _ source: String, _ target: String, writable: Bool = true, optional: Bool = false, site: Bool = false
  ) -> RequestedMount {
    RequestedMount(
      .bind(source: source, isWritable: writable), target: target, origin: "--mine", isOptional: optional,
      isOfSite: site)
  }
  static func nothing(_ target: String) -> RequestedMount {
    RequestedMount(.nothing, target: target, origin: "--mine")
  }

  static func steps(_ mounts: [RequestedMount], host: HostFacts = host) throws -> [String] {
    try Facts.plan(host: host) { $0.requestedMounts = mounts }.steps.map(\.step.text)
  }

  static let usual =
    MountCase.kernel + MountCase.site + MountCase.temporary + MountCase.home + MountCase.files
    + MountCase.identity

  @Test(arguments: [
    ([], []), ([bind("/data", "/d")], ["bind /data at /d"]),
    ([bind("/file", "/f", writable: false)], ["bind /file at /f, read-only"]),
    ([bind("/data", "/a/b"), bind("/file", "/a")], ["bind /file at /a", "bind /data at /a/b"]),
    ([bind("/gone", "/d", optional: true)], []),
    // The last of the user's counts, and any of them more than the site's.
    ([bind("/data", "/d"), bind("/file", "/d")], ["bind /file at /d"]),
    ([bind("/data", "/d"), bind("/file", "/d", site: true)], ["bind /data at /d"]),
    ([bind("/file", "/d", site: true), bind("/data", "/d")], ["bind /data at /d"]),
    (
      [RequestedMount(.temporary(options: [FileSystemOption("size", "1M")]), target: "/t", origin: "--mine")],
      ["mount tmpfs at /t"]
    ),
    ([bind("/data", "/d"), nothing("/d")], []),
    ([nothing("/d"), bind("/data", "/d")], ["bind /data at /d"]),
  ])
  func `what is added to the mounts of a launch`(mounts: [RequestedMount], added: [String]) throws {
    #expect(try Self.steps(mounts) == Self.usual + added)
  }

  @Test(arguments: [
    ("/tmp", ["bind /tmp at /tmp"]), ("/home/ann", MountCase.home),
    ("/etc/passwd", ["write /etc/passwd (39 bytes)"]),
    ("/etc", MountCase.site + MountCase.files + MountCase.identity),
  ])
  func `nothing at a target leaves out what would be shown there or below`(target: String, left: [String])
    throws
  {
    var host = Self.host
    host.currentDirectory = "/"
    #expect(
      try Self.steps([Self.nothing(target)], host: host) == Self.usual.filter { !left.contains($0) })
  }

  @Test func `a place that is left out is not shown because the launch started there`() throws {
    let host = Facts.node(directory: "/work/here")
    #expect(try Self.steps([Self.nothing("/work")], host: host) == Self.usual)
  }

  @Test func `a default at the same place is replaced`() throws {
    let steps = try Self.steps([Self.bind("/data", "/tmp")])
    #expect(steps.filter { $0.hasSuffix("at /tmp") } == ["bind /data at /tmp"])
  }

  @Test func `a source that is missing is named with what asked for it`() throws {
    #expect(throws: LaunchFault.requestedSourceMissing(path: "/gone", target: "/d", origin: "--mine")) {
      try Self.steps([Self.bind("/gone", "/d")])
    }
    let text = LaunchFault.requestedSourceMissing(path: "/gone", target: "/d", origin: "--mine").explanation
    #expect(text.what.contains("/gone") && text.remedy.contains("--mine"))
  }

  @Test func `a site that forbids binds refuses the user's, not its own`() throws {
    var settings = Settings()
    settings.allowsUserBinds = false
    #expect(throws: LaunchFault.bindsForbidden) {
      try Facts.plan(host: Self.host, settings: settings) { $0.requestedMounts = [Self.bind("/data", "/d")] }
    }
    let plan = try Facts.plan(host: Self.host, settings: settings) {
      $0.requestedMounts = [Self.bind("/spool/script", "/spool/script", writable: false, site: true)]
    }
    #expect(plan.steps.map(\.step.text).contains("bind /spool/script at /spool/script, read-only"))
    // What shows less is no bind.
    let less = try Facts.plan(host: Self.host, settings: settings) {
      $0.requestedMounts = [Self.nothing("/tmp")]
    }
    #expect(!less.steps.map(\.step.text).contains("bind /tmp at /tmp"))
  }

  @Test func `devices stay devices`() throws {
    let plan = try Facts.plan(host: Self.host) { $0.requestedMounts = [Self.bind("/dev/null", "/null")] }
    #expect(
      plan.steps.contains {
        $0.step == .bind(source: "/dev/null", target: "/null", writable: true, devices: true)
      })
  }

  @Test func `a network of one's own is a namespace`() throws {
    let plan = try Facts.plan(host: Self.host) {
      $0.network = true
      $0.networks = ["none"]
      $0.ipc = true
    }
    #expect(plan.namespaces.map(\.kind) == [.ipc, .network])
  }

  @Test(
    arguments: [
      ("/home/ann", "/w", false, nil, ["/home/ann", "/w", "/home/ann", "/"]),
      ("/home/ann", "/w", true, nil, ["/w", "/"]), ("/home/ann", nil, true, nil, ["/"]),
      ("/home/ann", "/w", true, "/asked", ["/asked"]), (nil, "/w", false, nil, ["/w", "/home/ann", "/"]),
    ] as [(String?, String?, Bool, String?, [String])])
  func `where programs start`(
    current: String?, image: String?, startsInImage: Bool, asked: String?, directories: [String]
  ) throws {
    var host = Self.host
    host.currentDirectory = current
    let plan = try Facts.plan(host: host) {
      $0.imageDirectory = image
      $0.startsInImage = startsInImage
      $0.workingDirectory = asked
    }
    #expect(plan.program.directories == directories)
    #expect(plan.program.directoryIsRequired == (asked != nil))
  }

  @Test func `who starts in the image does not get the caller's directory shown`() throws {
    let host = Facts.node(directory: "/work/here")
    let plan = try Facts.plan(host: host) { $0.startsInImage = true }
    #expect(plan.steps.map(\.step.text) == Self.usual)
  }
}

@Suite struct LiteralVariableTests {
  static func environment(
    _ change: (inout LaunchRequest) -> Void, scripts: [(name: String, text: String)] = []
  ) throws -> EnvironmentPlan {
    let host = Facts.host(["A=host", "LC_ALL=de", "LC_TIME=en", "SECRET=x", "APUSENV_B=weaker"])
    return try planEnvironment(
      Facts.request(change: change), host: host, image: Facts.image(scripts), home: nil)
  }

  @Test func `literal variables are never evaluated, win over the image and give way to --env`() throws {
    let plan = try Self.environment(
      {
        $0.literalVariables = ["A=$(id) $HOME", "B=mine", "C=weak"]
        $0.environment = ["C=strong"]
      }, scripts: [("90-environment.sh", "export A=image\n")])
    #expect(plan.shell == nil)
    for entry in ["A=$(id) $HOME", "B=mine", "C=strong"] { #expect(plan.variables.contains(entry)) }
  }

  @Test func `a shell that evaluates scripts takes them literally too`() throws {
    let plan = try Self.environment(
      { $0.literalVariables = ["A=$(id)"] }, scripts: [("90-environment.sh", "export X=$(date)\n")])
    let arguments = try #require(plan.shell).arguments(for: ["true"])
    #expect(arguments.contains("$(id)"))
    #expect(arguments[2].contains("export A="))
  }

  @Test(arguments: [
    ([], ["A", "LC_ALL", "LC_TIME", "SECRET"]), (["SECRET"], ["A", "LC_ALL", "LC_TIME"]),
    (["LC_*", "A"], ["SECRET"]), (["LC_", "a"], ["A", "LC_ALL", "LC_TIME", "SECRET"]),
  ])
  func `variables that are withheld stay outside`(patterns: [String], names: [String]) throws {
    let plan = try Self.environment { $0.withheldVariables = patterns }
    let inside = Variables(plan.variables).pairs.map(\.name)
    for name in ["A", "LC_ALL", "LC_TIME", "SECRET"] {
      #expect(inside.contains(name) == names.contains(name), "\(name)")
    }
  }
}
