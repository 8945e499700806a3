import Foundation
import Glibc
import Testing

private let hasSlurm = ["/usr/sbin/slurmd", "/usr/bin/srun"].allSatisfy {
  FileManager.default.isExecutableFile(atPath: $0)
}

/// `apus slurm install`: as root, in folders of its own. No cluster is needed.
@Suite(.enabled(if: hasSlurm, "needs Slurm"), .enabled(if: !Installed.isOldKernel)) struct SlurmInstallTests {
  /// An installation and an empty site.
  struct Site {
    let folder: String
    var apus: String { folder + "/tree/bin/apus" }
    var library: String { folder + "/tree/lib/apus" }
    var etc: String { folder + "/etc" }
    var lines: String { etc + "/plugstack.conf.d" }

    func install(_ words: String..., as caller: Caller = .root) throws -> Outcome {
      try Installed.execute(
        [
          apus, "slurm", "install", "--slurm-conf", etc + "/slurm.conf", "--cache-dir", folder + "/cache",
          "--runtime-dir", folder + "/run", "--tmpfiles-dir", folder + "/tmpfiles.d",
        ] + words, as: caller)
    }

    func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    /// All that is there, with what tells a replaced file from a kept one.
    func state() throws -> String {
      try Installed.execute(
        ["/usr/bin/find", folder, "-printf", "%P %y %m %i %l\\n"], as: .root
      ).out.split(separator: "\n").sorted()
        .joined(separator: "\n")
    }

    /// srun with this site's settings: its help names the options of the plugins it could load.
    func srunHelp() throws -> Outcome {
      try Installed.execute(
        ["/usr/bin/srun", "--help"], as: .user, environment: ["SLURM_CONF": etc + "/slurm.conf"])
    }
  }

  static func withSite(_ body: (Site) throws -> Void) throws {
    try Installed.withFolder { folder in
      let site = Site(folder: folder)
      for path in [site.folder + "/tree/bin", site.library, site.etc] {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      }
      try FileManager.default.copyItem(atPath: Installed.apus, toPath: site.apus)
      try FileManager.default.copyItem(
        atPath: Installed.folder("APUS_TREE") + "/lib/apus/spank_apus.so",
        toPath: site.library + "/spank_apus.so")
      try Installed.write(
        Data(
          """
          ClusterName=x
          SlurmctldHost=localhost
          PlugStackConfig=\(site.etc)/plugstack.conf
          NodeName=n1
          PartitionName=p Nodes=n1

          """.utf8), to: site.etc + "/slurm.conf")
      try body(site)
    }
  }

  static func slurmVersion() throws -> String {
    let said = try Installed.execute(["/usr/sbin/slurmd", "-V"], as: .root).line
    return String(try #require(said.split(separator: " ").last))
  }

  @Test func `a dry run tells an ordinary user what would be done, and does nothing`() throws {
    try Self.withSite { site in
      let before = try site.state()
      let outcome = try site.install("--dry-run", as: .user)
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(outcome.out.hasPrefix("Slurm \(try Self.slurmVersion()), "), "\(outcome.out)")
      for line in [
        "would write \(site.lines)/apus.conf", "would write \(site.etc)/plugstack.conf",
        "would make  \(site.folder)/cache, mode 1777",
      ] { #expect(outcome.out.contains(line + "\n"), "\(outcome.out)") }
      #expect(try site.state() == before)
    }
  }

  @Test func `an ordinary user is told that only root can`() throws {
    try Self.withSite { site in
      let outcome = try site.install(as: .user)
      #expect(outcome.code == 255)
      #expect(outcome.err.contains("FATAL:   cannot install the plugin: only root"), "\(outcome.err)")
    }
  }

  @Test func `after an installation srun knows the options, and the same again changes nothing`() throws {
    try Self.withSite { site in
      #expect(try !site.srunHelp().out.contains("--container-image"))
      let outcome = try site.install()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(
        site.text(site.lines + "/apus.conf").hasSuffix(
          "required \(site.library)/slurm/spank_apus.so helper=\(site.apus) cache_dir=\(site.folder)/cache "
            + "runtime_dir=\(site.folder)/run\n"))
      let help = try site.srunHelp()
      #expect(help.code == 0 && help.out.contains("--container-image"), "\(help.err)")
      let state = try site.state()
      #expect(state.contains("\ncache d 1777 ") && state.contains("\nrun d 1777 "), "\(state)")
      let again = try site.install()
      #expect(
        again.out.split(separator: "\n").dropFirst().allSatisfy { $0.hasPrefix("unchanged ") }, "\(again.out)"
      )
      #expect(try site.state() == state)
    }
  }

  /// V1: what Slurm makes of a plugin that is not stamped for it.
  @Test func `a plugin for another Slurm is refused by srun, and loaded when it is stamped`() throws {
    try Self.withSite { site in
      #expect(try site.install("--slurm-version", "21.08.1").code == 0)
      let refused = try site.srunHelp()
      #expect(refused.err.contains("Incompatible plugin version"), "\(refused.err)")
      #expect(!refused.out.contains("--container-image"))
      // The path in the line stays: only the link leads elsewhere.
      let line = site.text(site.lines + "/apus.conf")
      #expect(try site.install().code == 0)
      #expect(site.text(site.lines + "/apus.conf") == line)
      #expect(try site.srunHelp().out.contains("--container-image"))
    }
  }

  @Test func `who has the old plugin open keeps it`() throws {
    try Self.withSite { site in
      #expect(
        try site.install("--plugin-dir", site.folder + "/plugins", "--slurm-version", "21.08.1").code == 0)
      let path = site.folder + "/plugins/spank_apus.so"
      let old = try Data(contentsOf: URL(fileURLWithPath: path))
      let open = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      #expect(try site.install("--plugin-dir", site.folder + "/plugins").code == 0)
      #expect(try open.readToEnd() == old)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) != old)
    }
  }

  /// What happened in a watched directory: a mask and the name of a file (inotify(7)).
  static func events(_ watch: Int32) -> [(mask: UInt32, name: String)] {
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = Glibc.read(watch, &bytes, bytes.count)
    var events: [(mask: UInt32, name: String)] = []
    var place = 0
    while place + 16 <= count {
      // Watch, mask, cookie and length of the name, four bytes each; then the name.
      let numbers = (0..<4).map { part in
        (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + part * 4 + $1]) << UInt32(8 * $1) }
      }
      let end = place + 16 + Int(numbers[3])
      events.append((numbers[1], String(decoding: bytes[place + 16..<end].prefix { $0 != 0 }, as: UTF8.self)))
      place = end
    }
    return events
  }

  @Test func `nothing unfinished ever lies where Slurm reads all files`() throws {
    try Self.withSite { site in
      let first = try site.install()
      #expect(first.code == 0, "\(first.err)")
      let watch = inotify_init1(Int32(IN_NONBLOCK))
      // IN_CREATE, IN_MOVED_TO, IN_MODIFY
      #expect(inotify_add_watch(watch, site.lines, 0x100 | 0x80 | 0x2) > 0)
      let second = try site.install("--helper", "/other/apus")
      #expect(second.code == 0, "\(second.err)")
      let events = Self.events(watch)
      close(watch)
      #expect(events.map(\.mask) == [0x80] && events.map(\.name) == ["apus.conf"], "\(events)")
      #expect(site.text(site.lines + "/apus.conf").contains(" helper=/other/apus "))
      let names = try FileManager.default.contentsOfDirectory(atPath: site.etc).sorted()
      #expect(names == ["plugstack.conf", "plugstack.conf.d", "slurm.conf"])
    }
  }

  @Test func `what the site has in its line and in plugstack conf stays`() throws {
    try Self.withSite { site in
      try Installed.write(Data("# ours\n".utf8), to: site.etc + "/plugstack.conf")
      try FileManager.default.createDirectory(atPath: site.lines, withIntermediateDirectories: false)
      try Installed.write(
        Data("required /old/spank_apus.so stage=auto cache_max=50%\n".utf8), to: site.lines + "/apus.conf")
      let outcome = try site.install()
      #expect(
        outcome.out.hasSuffix(
          "to do       add this line to \(site.etc)/plugstack.conf: include \(site.lines)/*.conf\n"),
        "\(outcome.out)")
      #expect(site.text(site.etc + "/plugstack.conf") == "# ours\n")
      #expect(
        site.text(site.lines + "/apus.conf").hasPrefix(
          "required \(site.library)/slurm/spank_apus.so stage=auto cache_max=50% helper=\(site.apus) "))
    }
  }

  @Test(arguments: [
    (["--slurm-version", "new"], Int32(1), "it is no version of Slurm"),
    (["--cache-dir", "/with blank"], 1, "without blanks"),
    (["--plugin-dir", "/proc/nowhere"], 255, "cannot make the directory /proc/nowhere"),
  ])
  func `what cannot be done is said`(words: [String], code: Int32, why: String) throws {
    try Self.withSite { site in
      let outcome = try Installed.execute(
        [
          site.apus, "slurm", "install", "--slurm-conf", site.etc + "/slurm.conf", "--tmpfiles-dir",
          site.folder,
          "--runtime-dir", site.folder + "/run",
        ] + words, as: .root)
      #expect(outcome.code == code)
      #expect(outcome.err.hasPrefix("FATAL:   ") && outcome.err.contains(why), "\(outcome.err)")
    }
  }

  @Test(arguments: [
    "install -d -o apus-test $folder/cache",
    "ln -s $folder/secret $folder/cache && chown -h apus-test $folder/cache",
    "install -d -o apus-test $folder/theirs && ln -s theirs $folder/cache",
  ])
  func `a directory that a user made or linked is not opened to all`(how: String) throws {
    try Self.withSite { site in
      let made = try Installed.execute(
        ["/bin/sh", "-c", "folder=\(site.folder); install -d -m 0700 $folder/secret && \(how)"], as: .root)
      #expect(made.code == 0, "\(made.err)")
      let before = try site.state().split(separator: "\n").filter { !$0.hasPrefix("tree") }
      let outcome = try site.install()
      #expect(outcome.code == 255)
      #expect(
        outcome.err.contains("FATAL:   cannot open \(site.folder)/cache to all users"), "\(outcome.err)")
      let after = try site.state().split(separator: "\n").filter { !$0.hasPrefix("tree") }
      #expect(after == before)
    }
  }
}
