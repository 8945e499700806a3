import Model
import Testing

@testable import Settings

@Suite struct SettingsTests {
  @Test func `an empty text means the defaults`() throws {
    #expect(try Settings(parsing: "", path: "c") == Settings())
    #expect(try Settings(parsing: "# nothing\n\n   \t\n", path: "c") == Settings())
  }

  static let lines: [(String, @Sendable (Settings) -> Bool)] = [
    ("mount home = no", { !$0.mountsHome }), ("MOUNT HOME=No", { !$0.mountsHome }),
    ("  mount tmp   =   no   # why", { !$0.mountsTemporary }), ("mount proc = no\r", { !$0.mountsProc }),
    ("mount sys = no", { !$0.mountsSys }), ("mount devpts = no", { !$0.mountsTerminals }),
    ("mount dev = minimal", { $0.deviceMount == .minimal }), ("mount dev = no", { $0.deviceMount == .no }),
    ("user bind control = no", { !$0.allowsUserBinds }), ("config passwd = no", { !$0.writesPasswd }),
    ("config group = no", { !$0.writesGroup }),
    ("config resolv_conf = no", { !$0.writesResolverConfiguration }),
    ("shared mount = no", { !$0.sharesMounts }),
    ("sessiondir max size = 16", { $0.sessionBytes == 16 << 20 }),
    ("mount linger = 0.5", { $0.lingerSeconds == 0.5 }), ("mount timeout = 3", { $0.patienceSeconds == 3 }),
    ("# a\r\nmount home = no\r\n# b\r\n", { !$0.mountsHome }), ("bind path =", { $0.bindPaths.isEmpty }),
    ("log launches = Syslog", { $0.launchLog == .syslog }),
    ("log launches = journald", { $0.launchLog == .journald }),
    ("cni plugin path = /a:/b", { $0.networkPlugins == ["/a", "/b"] }),
    ("cni configuration path = /n", { $0.networkFolder == "/n" }),
    ("bind path = /a#b", { $0.bindPaths == ["/a#b"] }),
    ("bind path = /a\nbind path = /b:/c:ro", { $0.bindPaths == ["/a", "/b:/c:ro"] }),
    ("mount hostfs = yes", { $0.mountsHostFileSystems }), ("mount slave = no", { !$0.receivesMounts }),
    ("enable overlay = no", { !$0.usesOverlay }), ("enable overlay = try", { $0.usesOverlay }),
    ("memory fs type = ramfs", { $0.memoryType == .ramfs }),
    (
      "limit container paths = /a, /b\nlimit container paths = /c", { $0.limitedPaths == ["/a", "/b", "/c"] }
    ),
    ("limit container owners = root, 7", { $0.limitedOwners == ["root", "7"] }),
    ("limit container groups = users", { $0.limitedGroups == ["users"] }),
    ("allow container sif = no", { !$0.allowsSIF }),
    ("allow container squashfs = no", { !$0.allowsSquashfs }),
    ("allow container dir = no", { !$0.allowsDirectories }),
  ]

  @Test(arguments: lines)
  func `a line sets its key`(text: String, holds: @Sendable (Settings) -> Bool) throws {
    let settings = try Settings(parsing: text, path: "c")
    #expect(holds(settings))
    #expect(settings.notices.isEmpty)
  }

  @Test(arguments: [
    ("\nmount home", SettingsFault.notAssignment(.init(path: "c", line: 2), text: "mount home")),
    (
      "mount home = maybe",
      .value(.init(path: "c", line: 1), key: "mount home", value: "maybe", expected: "yes or no")
    ),
    (
      "mount dev = some",
      .value(.init(path: "c", line: 1), key: "mount dev", value: "some", expected: "yes or no")
    ),
    (
      "\n\nsessiondir max size = 0",
      .value(.init(path: "c", line: 3), key: "sessiondir max size", value: "0", expected: "a number of MiB")
    ),
    (
      "sessiondir max size = 99999999999999999999",
      .value(
        .init(path: "c", line: 1), key: "sessiondir max size", value: "99999999999999999999",
        expected: "a number of MiB")
    ),
    (
      "memory fs type = disk",
      .value(.init(path: "c", line: 1), key: "memory fs type", value: "disk", expected: "tmpfs or ramfs")
    ),
    (
      "limit container paths = /a, b",
      .value(
        .init(path: "c", line: 1), key: "limit container paths", value: "b", expected: "an absolute path")
    ),
    (
      "mount linger = nan",
      .value(.init(path: "c", line: 1), key: "mount linger", value: "nan", expected: "a number of seconds")
    ),
    (
      "mount linger = -1",
      .value(.init(path: "c", line: 1), key: "mount linger", value: "-1", expected: "a number of seconds")
    ),
  ])
  func `refuses by file, line and value`(text: String, fault: SettingsFault) {
    #expect(throws: fault) { try Settings(parsing: text, path: "c") }
    #expect(fault.explanation.what.contains("c"))
    #expect(fault.explanation.why.contains("line"))
  }

  @Test func `of a key given twice the first line counts, with a warning`() throws {
    let settings = try Settings(parsing: "mount home = no\nmount home = yes\n", path: "c")
    #expect(!settings.mountsHome)
    #expect(settings.notices.map(\.level) == [.warning])
    #expect(settings.notices[0].text.contains("line 2"))
  }

  @Test func `keys of apptainer.conf are skipped silently, unknown ones with a warning`() throws {
    let settings = try Settings(parsing: "allow setuid = yes\nmuont home = no\n", path: "c")
    #expect(settings.notices.map(\.level) == [.verbose, .warning])
    #expect(settings.notices[1].text.contains("muont home"))
  }

  @Test func `users are let into no network, and a line that says so is remembered`() throws {
    let settings = try Settings(parsing: "\nallow net users = ann\nallow net groups = lab\n", path: "c")
    #expect(settings.networkPermission == "\"allow net users\" (c, line 2)")
    #expect(settings.notices.map(\.level) == [.verbose, .verbose])
    #expect(throws: SettingsFault.self) { try Settings(parsing: "log launches = yes", path: "c") }
    #expect(throws: SettingsFault.self) { try Settings(parsing: "cni plugin path = lib", path: "c") }
  }

  @Test func `a missing file means the defaults, unless it was named`() throws {
    #expect(try Settings.read("/nonexistent/apus.conf", isRequired: false) == Settings())
    #expect(throws: SettingsFault.self) { try Settings.read("/nonexistent/apus.conf", isRequired: true) }
    #expect(throws: SettingsFault.self) { try Settings.read("/", isRequired: false) }
  }

  @Test func `the template that is installed says the defaults`() throws {
    var path = #filePath.split(separator: "/")
    path.removeLast(3)
    let file = "/" + path.joined(separator: "/") + "/site-config/apus.conf"
    #expect(try Settings.read(file, isRequired: true) == Settings())
  }
}
