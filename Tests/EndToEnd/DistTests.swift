import Foundation
import Testing

/// The archive of `make dist`, unpacked by an ordinary user in their home directory, where glibc is 2.31.
///
/// APUS_DIST is the archive and APUS_OLD_ROOT a root file system of Debian 11, both from scripts/test-dist.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["APUS_DIST"] != nil)) struct DistTests {
  /// The archive's tree, as seen from the other root.
  static let tree = "/home/traveller/apus"
  static let carried = tree + "/libexec/apus/lib"

  /// A home directory with the archive unpacked in it.
  static func withHome<T>(_ body: (String) throws -> T) throws -> T {
    try Installed.withFolder { folder in
      let home = folder + "/home"
      try Installed.write(
        Data(contentsOf: URL(fileURLWithPath: Installed.folder("APUS_DIST"))), to: folder + "/apus.tar.gz")
      let made = try Installed.execute(
        ["/bin/sh", "-c", "mkdir -m 0700 \(home) && cp \(folder)/apus.tar.gz \(home)"], as: .user)
      #expect(made.code == 0, "\(made.err)")
      let unpacked = try travel(home, "tar -xzf apus.tar.gz")
      #expect(unpacked.code == 0, "\(unpacked.err)")
      return try body(home)
    }
  }

  /// Runs a script as the user in the other root, in their home directory.
  static func travel(_ home: String, _ script: String) throws -> Outcome {
    try Installed.execute(
      [
        Installed.checkout + "/scripts/as-user-in-root", Installed.folder("APUS_OLD_ROOT"), home,
        "/bin/sh", "-c", script,
      ], as: .root)
  }

  /// Puts Tests/Support/carried-probe.c in the place of apus-image.
  static func makeProbe(_ home: String) throws {
    let made = try Installed.execute(
      [
        "/usr/bin/cc", "-O2", "-Wall", "-Wextra", "-o", home + "/apus/libexec/apus/lib/probe",
        Installed.checkout + "/Tests/Support/carried-probe.c",
      ], as: .root)
    #expect(made.code == 0, "\(made.err)")
    let copied = try travel(home, "cd apus/libexec/apus && cp apus-image probe")
    #expect(copied.code == 0, "\(copied.err)")
  }

  /// Files of /etc that would lead into the host's libraries: hesiod is a module of this Debian's glibc.
  static func makeHostile(_ home: String) throws {
    try FileManager.default.createDirectory(atPath: home + "/etc", withIntermediateDirectories: false)
    let files = [
      "nsswitch.conf": "passwd: hesiod files\nhosts: hesiod files dns\n",
      "hosts": "127.0.0.1 localhost\n127.0.0.7 registry.example\n",
      "ld.so.preload": "/usr/lib/x86_64-linux-gnu/libutil.so.1\n",
    ]
    for (name, text) in files { try Installed.write(Data(text.utf8), to: home + "/etc/" + name) }
  }

  /// What a program under LD_DEBUG=libs said it loaded.
  static func loaded(_ outcome: Outcome) -> Set<String> {
    Set(
      outcome.err.split(separator: "\n").compactMap { line in
        line.range(of: "calling init: ").map { String(line[$0.upperBound...]) }
      })
  }

  @Test func `an ordinary user unpacks the archive where glibc is older, builds an image and runs it`() throws
  {
    try Self.withHome { home in
      let old = try Self.travel(home, "ldd --version | head -1")
      #expect(old.out.contains(" 2.31"), "\(old.out)")
      let outcome = try Self.travel(
        home,
        """
        set -e
        apus/bin/apus version
        mkdir -p tree/bin tree/proc tree/dev tree/sys tree/tmp tree/etc tree/home
        cp apus/bin/apus tree/bin/program
        apus/bin/apus --quiet build tree.sif tree
        apus/bin/apus exec tree.sif /bin/program version
        """)
      #expect(outcome.code == 0, "\(outcome.err)")
      let lines = outcome.out.split(separator: "\n")
      #expect(lines.count == 2 && lines.first == lines.last, "\(outcome.out)")
    }
  }

  @Test func `what has a loader of its own loads nothing of the host, whatever the host and the user name`()
    throws
  {
    try Self.withHome { home in
      try Self.makeHostile(home)
      let outcome = try Self.travel(
        home,
        """
        mkdir -p tree/bin
        cp apus/bin/apus tree/bin/program
        exec env LD_DEBUG=libs LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu \
          LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libutil.so.1 apus/bin/apus build tree.sif tree
        """)
      #expect(outcome.code == 0, "\(outcome.err.suffix(2000))")
      let loaded = Self.loaded(outcome)
      #expect(loaded.contains(Self.carried + "/libc.so.6"))
      #expect(loaded.filter { !$0.hasPrefix(Self.carried + "/") }.isEmpty, "\(loaded.sorted())")
    }
  }

  @Test func `host names come from /etc/hosts where nsswitch.conf names modules of the host`() throws {
    try Self.withHome { home in
      try Self.makeHostile(home)
      try Self.makeProbe(home)
      let outcome = try Self.travel(
        home, "exec env LD_DEBUG=libs apus/libexec/apus/probe localhost registry.example")
      #expect(outcome.out.contains("localhost 127.0.0.1\nregistry.example 127.0.0.7\n"), "\(outcome.out)")
      // The module was wanted and not found.
      #expect(outcome.err.contains("libnss_hesiod.so.2"))
      let loaded = Self.loaded(outcome)
      #expect(loaded.filter { !$0.hasPrefix(Self.carried + "/") }.isEmpty, "\(loaded.sorted())")
    }
  }

  @Test
  func `a program with a loader of its own keeps its name, its place and the environment of the caller`()
    throws
  {
    try Self.withHome { home in
      try Self.makeProbe(home)
      let outcome = try Self.travel(home, "cd apus/libexec; LD_PRELOAD=/nothing.so exec apus/probe")
      #expect(
        outcome.out == """
          name probe
          place \(Self.tree)/libexec/apus/probe
          preload /nothing.so

          """, "\(outcome.err)")
    }
  }

  @Test(arguments: [":", ";", "$"])
  func `a path that a loader cannot be given is refused with what to do`(character: String) throws {
    try Self.withHome { home in
      let outcome = try Self.travel(
        home, "mv apus 'a\(character)b' && mkdir tree && exec 'a\(character)b/bin/apus' build tree.sif tree")
      #expect(outcome.code == 255)
      #expect(outcome.err.contains("move the folder that holds bin and libexec"), "\(outcome.err)")
    }
  }

  @Test func `what the archive starts on a host needs no library of the host`() throws {
    try Self.withHome { home in
      let outcome = try Installed.execute(
        [
          "/bin/sh", "-c",
          """
          find \(home)/apus -path '*/libexec/apus/lib' -prune -o -type f -print | while read -r file; do
            head -c 4 "$file" | grep -q ELF || continue
            echo "$file"
            readelf -lW "$file" | grep -ow -e LOAD -e INTERP
          done
          """,
        ], as: .root)
      let lines = outcome.out.split(separator: "\n")
      #expect(lines.contains { $0.hasSuffix("/bin/apus") })
      // What has no interpreter asks for no library of the host.
      #expect(lines.contains("LOAD") && !lines.contains("INTERP"), "\(outcome.out)")
    }
  }

  @Test func `each library in the archive has its licence and its source beside it`() throws {
    try Self.withHome { home in
      let licenses = home + "/apus/share/doc/apus/licenses/"
      let sources = try String(contentsOfFile: licenses + "SOURCES", encoding: .utf8).split(separator: "\n")
        .map { $0.split(separator: " ").map(String.init) }
      let ours = ["apus-image", "restore.so", "ld.so"]
      let files = try FileManager.default.contentsOfDirectory(atPath: home + "/apus/libexec/apus/lib")
      #expect(files.count > ours.count)
      for file in files where !ours.contains(file) {
        let line = try #require(sources.first { $0.first == file }, "\(file)")
        #expect(line.count == 5 && FileManager.default.fileExists(atPath: licenses + line[1]), "\(line)")
      }
    }
  }

  @Test(.enabled(if: Registry.isPresent))
  func `an image from a registry runs where glibc is older`() throws {
    try Self.withHome { home in
      let image = "docker://\(Registry.plain)/images/gzip"
      let run = try Self.travel(
        home,
        "apus/bin/apus --quiet run --no-https \(image) && LD_PRELOAD=/x.so apus/bin/apus --quiet exec \(image) /bin/env"
      )
      #expect(run.code == 0, "\(run.err)")
      #expect(run.out.contains("LD_PRELOAD=/x.so"), "\(run.out)")
    }
  }

  @Test(
    .enabled(if: Registry.isPresent),
    arguments: [
      "containers/certs.d/REGISTRY/ca.crt", "ssl/certs/ca-certificates.crt", "pki/tls/certs/ca-bundle.crt",
      nil,
    ] as [String?])
  func `a registry is trusted by the certificates of the host and no others`(place: String?) throws {
    try Self.withHome { home in
      if let place {
        let path = home + "/etc/" + place.replacingOccurrences(of: "REGISTRY", with: Registry.tls)
        try FileManager.default.createDirectory(
          at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Installed.write(
          Data(contentsOf: URL(fileURLWithPath: Registry.certificate("ca.crt"))), to: path)
      }
      let pulled = try Self.travel(
        home, "exec apus/bin/apus --quiet pull image.sif docker://\(Registry.tls)/images/gzip")
      #expect((pulled.code == 0) == (place != nil), "\(pulled.err)")
    }
  }
}
