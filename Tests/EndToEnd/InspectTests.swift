import Foundation
import Testing

/// The commands that look into images and at the node, and start nothing.
@Suite struct InspectTests {
  @Test func `sif list shows the objects, and dump writes one`() throws {
    let image = Installed.image("tiny.sif")
    let list = try Installed.run("sif", "list", image)
    #expect(
      list.out.contains("FS (Squashfs/*System/amd64)") && list.out.contains("JSON.Generic"), "\(list.err)")
    let dump = try Installed.run("sif", "dump", "2", image)
    let json = try JSONSerialization.jsonObject(with: Data(dump.out.utf8)) as? [String: Any]
    #expect(json?["type"] as? String == "container")
    #expect(try Installed.run("sif", "dump", "9", image).code == 255)
    #expect(try Installed.run("sif", "info", "x", image).code == 1)
  }

  @Test(arguments: [["sif", "header"], ["sif", "list"], ["inspect"]]) func `json output is json`(
    words: [String]
  ) throws {
    let outcome = try Installed.execute(
      [Installed.apus] + words + ["--json", Installed.image("scripted.sif")], as: .user)
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) }
  }

  @Test func `sif header shows what the format says`() throws {
    let header = try Installed.run("sif", "header", Installed.image("tiny.sif"))
    #expect(
      header.out.contains("Descriptors Total:    48") && header.out.contains("Descriptors Size:     27 KiB"))
  }

  @Test(arguments: ["scripted.sif", "scripted"]) func `inspect shows scripts of every form of image`(
    form: String
  ) throws {
    let outcome = try Installed.run("inspect", "--runscript", Installed.image(form))
    #expect(outcome.out.contains("OCI_ENTRYPOINT"), "\(outcome.err)")
    #expect(try Installed.run("inspect", "--environment", Installed.image(form)).out.contains("GREETING"))
  }

  @Test func `a name with escapes reaches no terminal`() throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: Installed.image("tiny.sif")))
    bytes.replaceSubrange(4096 + 73..<4096 + 77, with: [0x1B, 0x5B, 0x32, 0x4A])
    try Installed.withFolder { folder in
      try Installed.write(bytes, to: folder + "/x.sif")
      let outcome = try Installed.run("sif", "info", "1", folder + "/x.sif")
      #expect(!outcome.out.contains("\u{1B}") && outcome.out.contains("\\x1b"))
    }
  }

  @Test(arguments: Caller.allCases) func `doctor finds this node fit, and says so as json too`(caller: Caller)
    throws
  {
    let outcome = try Installed.run("doctor", "--json", as: caller)
    let json = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any]
    #expect(outcome.code == 0 && json?["canRunImages"] as? Bool == true, "\(outcome.out)")
    #expect(try Installed.run("doctor", as: caller).out.contains("user namespaces"))
  }

  @Test func `doctor names the sysctl when user namespaces are switched off, and a launch points to it`()
    throws
  {
    // In a user namespace of its own: the limit is its, not the machine's.
    let inside = """
      echo 0 > /proc/sys/user/max_user_namespaces || exit 9
      setpriv --reuid apus-test --regid apus-test --init-groups \(Installed.apus) doctor; echo "doctor $?"
      setpriv --reuid apus-test --regid apus-test --init-groups \(Installed.apus) exec --no-shared-mount \(Installed.image("tiny.sif")) true; echo "exec $?"
      """
    let outside = """
      unshare --user sleep 30 & child=$!
      until [ "$(readlink /proc/$child/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do :; done
      echo '0 0 65536' > /proc/$child/gid_map
      echo '0 0 65536' > /proc/$child/uid_map
      nsenter -t $child -U -S 0 -G 0 /bin/sh -c "$INSIDE"
      kill $child
      """
    let outcome = try Installed.execute(
      ["/bin/sh", "-c", outside], as: .root, environment: ["INSIDE": inside])
    #expect(outcome.out.contains("sysctl user.max_user_namespaces"), "\(outcome.out) \(outcome.err)")
    #expect(outcome.out.contains("doctor 255") && outcome.out.contains("exec 255"))
    #expect(outcome.err.contains("user namespace"))
  }

  @Test func `doctor prints a profile for the program that is installed`() throws {
    #expect(try Installed.run("doctor", "--apparmor-profile").out.contains("\"\(Installed.apus)\""))
  }

  @Test func `explain runs nothing and says why each mount is there`() throws {
    let text = try Installed.run(
      "explain", "exec", "--contain", Installed.image("tiny.sif"), "touch", "/tmp/apus-test-explained")
    #expect(text.code == 0 && text.out.contains("--contain"), "\(text.err)")
    #expect(!FileManager.default.fileExists(atPath: "/tmp/apus-test-explained"))
    let json = try Installed.run("explain", "run", "--json", Installed.image("scripted.sif"), "x")
    let plan = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
    #expect((plan?["arguments"] as? [String])?.last == "x")
  }

  @Test func `help, manual pages and completions exist for each command`() throws {
    #expect(try Installed.run("exec", "--help").out.contains("--bind"))
    #expect(try Installed.run("man", "exec").out.contains(".SH OPTIONS"))
    for shell in ["bash", "zsh", "fish"] {
      #expect(try Installed.run("completion", shell).out.contains("writable"))
    }
    #expect(try Installed.run("--version").line.hasPrefix("apus version "))
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/user/commands.md")
    #expect(
      try Installed.run("man", "--markdown").out == String(contentsOf: page, encoding: .utf8),
      "run `make docs`")
  }
}
