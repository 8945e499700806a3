import Linux
import Model
import Settings
import Testing

@testable import Launch

/// `--app`: one of the applications in an image.
@Suite struct ImageAppTests {
  static func image(_ more: [String] = []) -> ImageFacts {
    let script = ImageApp.script(
      "solver", hasPrograms: true, hasLibraries: true,
      environment: ["SCIF_APPNAME=solver; export SCIF_APPNAME", "export P=\"$SCIF_APPROOT\""])
    return Facts.image(
      [(ImageApp.environmentScript, script), ("94-appsbase.sh", "export EARLY=yes")],
      programs: ["/bin/sh", "/scif/apps/solver"] + more)
  }

  static func plan(_ action: LaunchRequest.Action, app: String = "solver", _ image: ImageFacts) throws -> Plan
  {
    try planLaunch(
      Facts.request(action, ["a"]) { $0.app = app }, settings: Settings(), host: Facts.host(), image: image)
  }

  @Test func `its programs and libraries come first, and its own scripts speak`() throws {
    let variables = try Self.plan(.exec, Self.image()).program.environment
    #expect(variables.contains("LD_LIBRARY_PATH=/scif/apps/solver/lib:/.singularity.d/libs"))
    #expect(variables.contains("P=/scif/apps/solver") && variables.contains("EARLY=yes"))
    #expect(
      variables.contains {
        $0.hasPrefix("PATH=/scif/apps/solver/bin:/scif/apps/solver:/scif/apps/singularity:/usr")
      })
    for name in ["APUS", "APPTAINER", "SINGULARITY"] { #expect(variables.contains(name + "_APPNAME=solver")) }
  }

  @Test func `run and test start the application's own scripts`() throws {
    let image = Self.image(["/scif/apps/solver/scif/runscript", "/scif/apps/solver/scif/test"])
    #expect(try Self.plan(.run, image).program.arguments == ["/scif/apps/solver/scif/runscript", "a"])
    #expect(try Self.plan(.test, image).program.arguments == ["/scif/apps/solver/scif/test", "a"])
    #expect(try Self.plan(.test, Self.image()).program.arguments.isEmpty)
  }

  @Test func `what the image does not have is refused`() {
    #expect(throws: LaunchFault.appMissing(name: "other")) {
      try Self.plan(.exec, app: "other", Self.image())
    }
    #expect(throws: LaunchFault.appHasNoRunScript(name: "solver")) { try Self.plan(.run, Self.image()) }
    for name in ["", ".", "..", "a/b"] { #expect(!ImageApp.isName(name)) }
  }

  @Test func `without one only Apptainer's own variable is there, and empty`() throws {
    let plan = try planEnvironment(Facts.request(), host: Facts.host(), image: Facts.image(), home: nil)
    #expect(plan.variables.filter { $0.contains("_APPNAME") } == ["APPTAINER_APPNAME="])
  }

  @Test func `a home below tmp is not covered by an empty tmp`() throws {
    let user = User(
      uid: 1000, gid: 1000, groups: [1000],
      entry: PasswordEntry(name: "ann", uid: 1000, gid: 1000, comment: "", home: "/tmp/ann", shell: "/bin/sh")
    )
    let mounts = try WantedMounts(
      Facts.request { $0.contain = true }, Settings(), Facts.host(user: user)
    ).mounts.map(\.target)
    #expect(try #require(mounts.firstIndex(of: "/tmp")) < #require(mounts.firstIndex(of: "/tmp/ann")))
  }

  @Test func `an image older than the folder of scripts has one at the top`() throws {
    let script = (name: ImageEnvironment.oldScript, text: "OLD=yes; export OLD")
    let plan = try planEnvironment(
      Facts.request(), host: Facts.host(), image: Facts.image([script]), home: nil)
    #expect(plan.variables.contains("OLD=yes"))
    let shelled = (name: ImageEnvironment.oldScript, text: "export OLD=$(echo yes)")
    let stub = try planEnvironment(
      Facts.request(), host: Facts.host(), image: Facts.image([shelled]), home: nil
    ).shell
    #expect(stub?.arguments(for: ["true"]).contains { $0.contains("command . '/environment'") } == true)
  }
}
