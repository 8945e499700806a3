import Foundation
import Testing

/// The program called by the names of the runtimes whose job scripts it runs.
@Suite struct NameTests {
  static let image = Installed.image("tiny.sif")

  /// A link of that name to the installed program.
  static func called<T>(_ name: String, _ body: (String) throws -> T) throws -> T {
    try Installed.withFolder { folder in
      let link = folder + "/" + name
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: Installed.apus)
      return try body(link)
    }
  }

  @Test(arguments: [
    ("apptainer", #"^apptainer version 1\.4\.0\+apus\.[0-9.]+$"#),
    ("singularity", #"^singularity-ce version 3\.11\.0\+apus\.[0-9.]+$"#),
    ("apus", #"^apus version [0-9.]+$"#), ("other", #"^apus version [0-9.]+$"#),
  ]) func `a link says the version of the runtime it is named after`(name: String, pattern: String) throws {
    try Self.called(name) { link in
      let long = try Installed.execute([link, "--version"], as: .user)
      #expect(long.code == 0 && long.err.isEmpty)
      #expect(long.line.range(of: pattern, options: .regularExpression) != nil, "\(long.out)")
      let short = try Installed.execute([link, "version"], as: .user)
      #expect(short.line == long.line.split(separator: " ").last.map(String.init))
    }
  }

  @Test(arguments: ["apptainer", "singularity"]) func `words and messages are the same by any name`(
    name: String
  ) throws {
    try Self.called(name) { link in
      let words = [
        ["exec", Self.image, "id", "-u"], ["exec", Self.image, "no-such"], ["exec"], ["exec", "--nosuch"],
        ["--quiet", "--silent", "exec", Self.image, "sh", "-c", "exit 3"],
      ]
      for words in words {
        let other = try Installed.execute([link] + words, as: .user)
        let ours = try Installed.execute([Installed.apus] + words, as: .user)
        #expect(other.code == ours.code && other.out == ours.out && other.err == ours.err, "\(words)")
      }
    }
  }

  /// What Python's `packaging` takes for a version (PEP 440), and what cwltool reads with a pattern of its own.
  @Test func `snakemake and cwltool find a version in it`() throws {
    let script = """
      import re, sys
      release = r"[0-9]+(\\.[0-9]+)*(\\+[a-z0-9]+([-_.][a-z0-9]+)*)?"
      text = sys.stdin.read().strip()
      assert re.fullmatch(release, text.rsplit(" ", 1)[-1]), text
      print(*re.match(r"(.+) version ([0-9\\.]+)", text).groups())
      """
    for (name, said) in [("apptainer", "apptainer 1.4.0"), ("singularity", "singularity-ce 3.11.0")] {
      try Self.called(name) { link in
        let version = try Installed.execute([link, "--version"], as: .user).out
        let read = try Installed.execute(["/usr/bin/python3", "-c", script], as: .user, input: version)
        #expect(read.line == said, "\(read.err)")
      }
    }
  }

  @Test func `links are installed on request only, and nobody's program is replaced`() throws {
    try Installed.withFolder { folder in
      let install = Installed.checkout + "/scripts/install"
      func run(_ links: String, to prefix: String) throws -> Outcome {
        try Installed.execute(
          [install, folder, prefix, Installed.checkout + "/build"], as: .root, environment: ["LINKS": links])
      }
      let bin = folder + "/opt/bin/"
      #expect(try run("", to: "/opt").code == 0)
      #expect(!FileManager.default.fileExists(atPath: bin + "apptainer"))
      #expect(try run("apptainer singularity", to: "/opt").code == 0)
      for name in ["apptainer", "singularity"] {
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: bin + name) == "apus")
      }
      #expect(try run("apptainer", to: "/opt").code == 0)
      try FileManager.default.removeItem(atPath: bin + "apptainer")
      try Installed.write(Data("theirs".utf8), to: bin + "apptainer")
      let refused = try run("apptainer", to: "/opt")
      #expect(refused.code == 1 && refused.err.contains("not ours"))
      #expect(try String(contentsOfFile: bin + "apptainer", encoding: .utf8) == "theirs")
      #expect(try run("ls", to: "/opt").code == 1)
    }
  }
}
