import Foundation
import Testing

/// `apus config`, and what settings of a site do to launches.
@Suite struct ConfigTests {
  static let image = Installed.image("tiny.sif")

  static func withSettings<T>(_ text: String, _ body: (_ path: String) throws -> T) throws -> T {
    try Installed.withFolder { folder in
      try Installed.write(Data((text + "\n").utf8), to: folder + "/site.conf")
      return try body(folder + "/site.conf")
    }
  }

  /// `apus -c FILE exec WORDS` with these settings.
  static func exec(
    _ settings: String, _ words: [String], as caller: Caller = .user, directory: String = "/"
  ) throws -> Outcome {
    try withSettings(settings) { path in
      try Installed.execute(
        [Installed.apus, "-c", path, "exec"] + words, as: caller, directory: directory)
    }
  }

  @Test(
    arguments: [
      ("mount home = no", 0, "nothing to say"), ("muont home = no", 0, "did you mean \"mount home\"?"),
      ("mount home = perhaps", 1, "expected is yes or no"), ("nonsense", 1, "put a # before it"),
      ("allow setuid = yes", 0, "note: \"allow setuid\" means nothing"),
      ("always use nv = yes", 0, "warning: \"always use nv\""),
      ("bind path = /a:/b:rx", 1, "\"rx\" is not an option"),
      ("bind path = /no/such", 0, "note: this host has no /no/such"),
      ("bind path = /etc/hosts:/mnt:image-src=/x", 0, "warning: image-src and id are for --bind: /etc/hosts"),
      ("image compressor = brotli", 1, "gzip, zstd, xz, lz4, lzo"),
      ("limit container owners = nobody-here", 0, "knows no user nobody-here"),
      ("mount tmp = no\nmount tmp = yes", 0, "remove this line, or line 1"),
    ] as [(String, Int32, String)])
  func `check names the line and the fix, and fails where launches would`(
    text: String, code: Int32, said: String
  ) throws {
    try Self.withSettings(text) { path in
      let outcome = try Installed.run("config", "check", path)
      #expect(outcome.code == code && outcome.out.contains(said), "\(outcome.out)\(outcome.err)")
      #expect(outcome.out.hasPrefix(path + ":"))
      let json = try Installed.run("config", "check", "--json", path)
      let object = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? NSDictionary
      #expect(object?["usable"] as? Bool == (code == 0))
      // What check fails, a launch fails.
      let launch = try Installed.run("-c", path, "exec", Self.image, "true")
      if text.contains("brotli") || text.contains("limit") { return }
      #expect((launch.code == 0) == (code == 0), "\(launch.err)")
    }
  }

  @Test func `a file that is not there is one only if it was named`() throws {
    let named = try Installed.run("config", "check", "/no/such.conf")
    #expect(named.code == 255 && named.err.hasPrefix("FATAL:"), "\(named.err)")
    #expect(try Installed.run("config", "check").code == 0)
  }

  @Test func `show says what holds and where that stands`() throws {
    try Self.withSettings("# a comment\nmount home = No\nimage store = /b, /c") { path in
      let set = try Installed.run("-c", path, "config", "show")
      let lines = set.line.split(separator: "\n").map(String.init)
      #expect(
        lines.count == 3 && lines[0].hasPrefix("mount home = no") && lines[0].hasSuffix("# \(path), line 2"))
      let all = try Installed.run("-c", path, "config", "show", "--all").out
      #expect(
        all.contains("\nmount tmp = yes") && all.contains("# the default")
          && all.contains("# library uri is not set"))
      // Where launches look for networks depends on the installation.
      let networks = all.split(separator: "\n").first { $0.hasPrefix("cni configuration path = ") } ?? ""
      #expect(networks.contains("/etc/apus/network ") && networks.hasSuffix("# the default"))
      // It is a settings file that says the same.
      try Installed.write(Data(all.utf8), to: path + ".2")
      let again = try Installed.run("-c", path + ".2", "config", "show", "--json")
      let first = try Installed.run("-c", path, "config", "show", "--all", "--json")
      func values(_ text: String) throws -> [String] {
        let items = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: String]] ?? []
        return items.map { "\($0["key"] ?? "") = \($0["value"] ?? "")" }.filter { !$0.hasSuffix("= ") }
      }
      #expect(try values(again.out) == values(first.out))
      #expect(
        try Installed.run("-c", path, "config", "show", "mount", "home").line.hasPrefix("mount home = no "))
      let linger = try Installed.run(
        "config", "show", "mount linger", environment: ["APUS_MOUNT_LINGER": "9"])
      #expect(linger.line.hasPrefix("mount linger = 9 ") && linger.line.hasSuffix("# APUS_MOUNT_LINGER"))
      #expect(try Installed.run("config", "show", "mount", "hoem").code == 1)
    }
  }

  @Test func `import makes settings of an apptainer.conf`() throws {
    try Self.withSettings("allow setuid = yes\nmount home = no\nbind path = /etc/hosts") { path in
      let outcome = try Installed.run("config", "import", path)
      #expect(outcome.code == 0 && outcome.out.contains("\nmount home = no\n"), "\(outcome.err)")
      #expect(outcome.out.contains("# allow setuid = yes\n#   nothing of apus is set-uid"))
      try Installed.write(Data(outcome.out.utf8), to: path + ".new")
      #expect(try Installed.run("config", "check", path + ".new").line.hasSuffix("nothing to say"))
      #expect(try Installed.run("-c", path + ".new", "exec", Self.image, "ls", Installed.home).code != 0)
    }
  }

  @Test func `an image must lie in a directory that the site names, by its real path`() throws {
    try Installed.withFolder { folder in
      for name in ["scratch", "scratch2"] {
        try FileManager.default.createDirectory(
          atPath: folder + "/" + name, withIntermediateDirectories: false)
        chmod(folder + "/" + name, 0o755)
        try FileManager.default.copyItem(atPath: Self.image, toPath: folder + "/\(name)/a.sif")
        chmod(folder + "/\(name)/a.sif", 0o644)
      }
      symlink(folder + "/scratch", folder + "/link")
      symlink(folder + "/scratch2/a.sif", folder + "/scratch/elsewhere.sif")
      for (allowed, image, runs) in [
        ("scratch", "scratch/a.sif", true), ("scratch", "scratch2/a.sif", false),
        ("scratch", "link/a.sif", true), ("link", "scratch/a.sif", true),
        ("scratch", "scratch/../scratch2/a.sif", false), ("scratch", "scratch2/../scratch/a.sif", true),
        ("scratch", "scratch/elsewhere.sif", false), ("scratc", "scratch/a.sif", false),
        ("scratch, \(folder)/scratch2", "scratch2/a.sif", true),
      ] {
        for caller in Caller.allCases {
          let outcome = try Self.exec(
            "limit container paths = \(folder)/\(allowed)", [folder + "/" + image, "true"], as: caller)
          #expect(outcome.code == (runs ? 0 : 255), "\(allowed) \(image): \(outcome.err)")
          if !runs { #expect(outcome.err.contains("limit container paths"), "\(outcome.err)") }
        }
      }
    }
  }

  @Test(
    arguments: [
      ("limit container owners = root", "tiny.sif", true), ("limit container owners = 0", "tiny.sif", true),
      ("limit container owners = apus-test", "tiny.sif", false),
      ("limit container groups = nobody-knows-it, root", "tiny.sif", true),
      ("limit container groups = apus-test", "tiny.sif", false),
      ("allow container sif = no", "tiny.sif", false), ("allow container sif = no", "tiny.sqfs", true),
      ("allow container squashfs = no", "tiny.sqfs", false), ("allow container dir = no", "tiny", false),
      ("allow container dir = no", "tiny.sif", true),
    ])
  func `owners, groups and forms of images are held against the site's`(
    settings: String, image: String, runs: Bool
  ) throws {
    let outcome = try Self.exec(settings, [Installed.image(image), "true"])
    #expect(outcome.code == (runs ? 0 : 255), "\(outcome.err)")
    if !runs { #expect(outcome.err.contains(settings.split(separator: "=")[0].dropLast()), "\(outcome.err)") }
  }

  @Test func `without overlays mount points are bound in, and what needs one is refused`() throws {
    let settings = "enable overlay = no"
    let bound = try Self.exec(settings, ["--bind", "/usr:/new/place", Self.image, "ls", "-d", "/new/place"])
    #expect(bound.line == "/new/place", "\(bound.err)")
    let types = try Self.exec(
      settings, ["--bind", "/usr:/new/place", Self.image, "grep", "-c", " / overlay", "/proc/mounts"])
    #expect(types.line == "0")
    for option in ["--writable-tmpfs", "--compat"] {
      let refused = try Self.exec(settings, [option, Self.image, "true"])
      #expect(refused.code == 255 && refused.err.contains("enable overlay = no"), "\(refused.err)")
    }
  }

  @Test(arguments: ["tmpfs", "ramfs"]) func `what a launch keeps in memory is of the site's type`(
    type: String
  ) throws {
    let outcome = try Self.exec(
      "memory fs type = \(type)",
      ["--contain", Self.image, "sh", "-c", "touch ~/x && grep ' \(Installed.home) ' /proc/mounts"])
    #expect(outcome.line.contains(" \(type) "), "\(outcome.out)\(outcome.err)")
  }

  @Test(
    .enabled(if: !Installed.isOldKernel, "a launch there sees the mounts that its image's server began with"),
    arguments: [("yes", "there"), ("no", "")] as [(String, String)], Caller.allCases)
  func `mounts that the host makes later are seen where the site says so`(
    setting: (String, String), caller: Caller
  ) throws {
    try Installed.withFolder { folder in
      func mount(_ words: String...) throws {
        #expect(try Installed.execute(["/usr/bin/mount"] + words, as: .root).code == 0)
      }
      // Of the host's mounts only those that are shared are received anywhere.
      try mount("--bind", folder, folder)
      defer { _ = try? Installed.execute(["/usr/bin/umount", "-R", folder], as: .root) }
      try mount("--make-shared", folder)
      mkdir(folder + "/later", 0o755)
      try Self.withSettings("mount slave = \(setting.0)") { path in
        let program = try Running(
          [
            Installed.apus, "-c", path, "exec", "--no-mount", "tmp", "--bind", folder + ":/mnt/empty",
            Self.image, "sh",
            "-c", "echo ready; read word; ls /mnt/empty/later",
          ], as: caller)
        #expect(program.line() == "ready")
        try mount("-t", "tmpfs", "later", folder + "/later")
        mkdir(folder + "/later/there", 0o755)
        program.say("on")
        #expect(try program.finish().line == setting.1)
      }
    }
  }

  @Test(
    .enabled(if: !Installed.isOldKernel, "a launch there sees the mounts that its image's server began with"))
  func `every file system of the host is shown where the site wants it`() throws {
    let place = "/apus-test-" + UUID().uuidString
    mkdir(place, 0o755)
    defer { rmdir(place) }
    #expect(try Installed.execute(["/usr/bin/mount", "-t", "tmpfs", "x", place], as: .root).code == 0)
    defer { _ = try? Installed.execute(["/usr/bin/umount", place], as: .root) }
    mkdir(place + "/there", 0o755)
    let shown = try Self.exec("mount hostfs = yes", [Self.image, "ls", place])
    #expect(shown.line == "there", "\(shown.err)")
    for words in [["--no-mount", "hostfs"], ["--no-mount", place], ["--contain"]] {
      let hidden = try Self.exec("mount hostfs = yes", words + [Self.image, "ls", place])
      #expect(hidden.code == 1, "\(words): \(hidden.out)\(hidden.err)")
    }
    #expect(try Installed.run("exec", Self.image, "ls", place).code == 1)
  }
}
