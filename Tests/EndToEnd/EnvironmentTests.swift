import Foundation
import Testing

/// The environment a program sees.
@Suite struct EnvironmentTests {
  static let image = Installed.image("scripted.sif")

  static func value(
    _ name: String, _ options: [String] = [], _ environment: [String: String] = [:], image: String = image
  ) throws -> String {
    try Installed.execute(
      [Installed.apus, "exec"] + options + [image, "sh", "-c", "echo \"$\(name)\""], as: .user,
      environment: environment
    ).line
  }

  @Test(
    arguments: [
      ("MARK", [], ["MARK": "host"], "host"),
      ("FROM_IMAGE", [], ["FROM_IMAGE": "host"], "of the image"),
      ("GREETING", [], [:], "hello world"),
      ("LATER", [], [:], "of the image, then"),
      ("FROM_IMAGE", ["--env", "FROM_IMAGE=flag"], ["APUSENV_FROM_IMAGE": "variable"], "flag"),
      ("FROM_IMAGE", [], ["APUSENV_FROM_IMAGE": "variable"], "variable"),
      ("A", [], ["APPTAINERENV_A": "apptainer", "SINGULARITYENV_A": "singularity"], "apptainer"),
      ("A", [], ["APUSENV_A": "ours", "APPTAINERENV_A": "apptainer"], "ours"),
      ("B", ["--env", "A=1,B=2"], [:], "2"),
      ("A", ["--env", "\"A=1,2\""], [:], "1,2"),
      ("A", ["--env", "A=$GREETING!"], [:], "hello world!"),
      ("A", ["--no-eval", "--env", "A=$GREETING!"], [:], "$GREETING!"),
      ("MARK", ["--cleanenv"], ["MARK": "host"], ""),
      ("LANG", ["--cleanenv"], ["LANG": "xx"], "C"),
      ("TERM", ["--cleanenv"], [:], "dumb"),
      ("HOME", ["--env", "HOME=/elsewhere"], [:], Installed.home),
      ("LD_LIBRARY_PATH", [], ["LD_LIBRARY_PATH": "/host"], "/.singularity.d/libs"),
      ("LD_LIBRARY_PATH", ["--env", "LD_LIBRARY_PATH=/mine"], [:], "/mine:/.singularity.d/libs"),
      ("SINGULARITY_NAME", [], [:], "scripted.sif"),
      ("APPTAINER_COMMAND", [], [:], "exec"),
    ] as [(String, [String], [String: String], String)])
  func `a variable has the value that the order of sources gives it`(
    name: String, options: [String], environment: [String: String], value: String
  ) throws {
    #expect(try Self.value(name, options, environment) == value)
  }

  @Test func `the image's PATH comes before the standard directories`() throws {
    #expect(try Self.value("PATH").hasPrefix("/custom/bin:/bin:"))
    #expect(try Self.value("PATH", [], ["APUSENV_PREPEND_PATH": "/first"]).hasPrefix("/first:/custom/bin"))
    #expect(try Self.value("PATH", [], ["APUSENV_APPEND_PATH": "/last"]).hasSuffix(":/last"))
  }

  @Test func `scripts beyond plain exports are evaluated by the image's shell`() throws {
    let image = Installed.image("shelled.sif")
    #expect(try Self.value("COMPUTED", [], [:], image: image) == "computed")
    #expect(try Self.value("MARK", [], ["MARK": "a 'b' \"c\" $d"], image: image) == "a 'b' \"c\" $d")
    #expect(try Self.value("A", ["--env", "A=$COMPUTED"], [:], image: image) == "computed")
    #expect(try Self.value("A", ["--env", "A=$(echo run)"]) == "run")
  }

  @Test func `a file of variables is read, and one with commands refused`() throws {
    try Installed.withFolder { folder in
      try "# comment\nA='one two'\nexport B=\"$A three\"\n".write(
        toFile: folder + "/env", atomically: true, encoding: .utf8)
      #expect(try Self.value("B", ["--env-file", folder + "/env"]) == "one two three")
      try "A=$(id)\n".write(toFile: folder + "/bad", atomically: true, encoding: .utf8)
      let refused = try Installed.run("exec", "--env-file", folder + "/bad", Self.image, "true")
      #expect(refused.code == 255 && refused.err.contains("commands"))
    }
  }

  @Test func `values with newlines come through unchanged`() throws {
    #expect(try Self.value("MARK", [], ["MARK": "one\ntwo"]) == "one\ntwo")
  }
}
