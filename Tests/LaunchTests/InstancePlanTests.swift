import Linux
import Model
import Settings
import Testing

@testable import Launch

@Suite struct InstancePlanTests {
  static func plan(
    _ action: LaunchRequest.Action = .start, programs: [String], _ arguments: [String] = []
  ) throws -> Plan {
    var request = LaunchRequest(action, imagePath: "/images/tiny.sif", arguments: arguments)
    request.instance = "one"
    request.pid = true
    return try planLaunch(
      request, settings: Settings(), host: Facts.node(), image: Facts.image(programs: programs))
  }

  @Test func `an instance runs the image's start script with the arguments, or nothing`() throws {
    let script = "/.singularity.d/startscript"
    #expect(
      try Self.plan(programs: [script, "/bin/sh"], ["a b"]).program.arguments == [script, "a b"])
    #expect(try Self.plan(programs: ["/bin/sh"], ["a b"]).program.arguments == [])
  }

  @Test func `the container knows the name under all prefixes, and nobody else sets it`() throws {
    var request = LaunchRequest(.exec, imagePath: "/i.sif", arguments: ["true"])
    request.instance = "one"
    request.environment = ["APUS_INSTANCE=other"]
    let (program, notices) = try planEntry(
      request, host: Facts.node(environment: ["APUS_INSTANCE=outer"]), image: Facts.image(), home: nil)
    for prefix in ["APUS", "APPTAINER", "SINGULARITY"] {
      #expect(
        program.environment.filter { $0.hasPrefix(prefix + "_INSTANCE=") } == ["\(prefix)_INSTANCE=one"])
    }
    #expect(notices.count == 1)
    #expect(
      try !Facts.plan().program.environment.contains { $0.contains("_INSTANCE=") })
  }

  @Test func `a program in a container that stands is planned without mounts`() throws {
    var request = LaunchRequest(.exec, imagePath: "/i.sif", arguments: ["true"])
    let host = Facts.node(directory: "/work")
    func directories() throws -> [String] {
      try planEntry(request, host: host, image: Facts.image(), home: "/home/other").program.directories
    }
    #expect(try directories() == ["/work", "/home/other", "/"])
    request.contain = true
    #expect(try directories() == ["/home/other", "/"])
    request.workingDirectory = "/asked"
    #expect(try directories() == ["/asked"])
    let environment = try planEntry(request, host: host, image: Facts.image(), home: "/home/other").program
      .environment
    #expect(environment.contains("HOME=/home/other"))
  }

  @Test func `a program in a container that stands has the rights that were asked for`() throws {
    var request = LaunchRequest(.exec, imagePath: "/i.sif", arguments: ["true"])
    request.droppedCapabilities = ["all"]
    request.addedCapabilities = ["CAP_KILL"]
    request.security = ["uid:4711"]
    var root = Facts.node()
    root.user = User(uid: 0, gid: 0, groups: [0], entry: nil)
    root.isPrivileged = true
    let rights = try planEntry(request, host: root, image: Facts.image(), home: nil).program.rights
    #expect(rights.identity?.uid == 4711 && rights.capabilities == 0)
    #expect(throws: LaunchFault.self) {
      try planEntry(request, host: Facts.node(), image: Facts.image(), home: nil)
    }
  }

  @Test func `its processes have a namespace for the instance's sake`() throws {
    let namespaces = try Self.plan(programs: []).namespaces
    #expect(namespaces.map(\.kind) == [.pid] && namespaces[0].reason == "an instance")
  }
}
