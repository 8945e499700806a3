import Foundation
import Testing

/// `--net`, `--network none`, `--netns-path`, `--dns`: loopback alone, networks that are there, and what is refused.
@Suite struct NetworkTests {
  static let image = Installed.image("tiny.sif")

  @Test(arguments: Caller.allCases, [["--network", "none"], ["-n", "--network=none"]])
  func `a network of its own has loopback, which is up, and nothing else`(
    caller: Caller, options: [String]
  ) throws {
    let outcome = try Installed.execute(
      [Installed.apus, "exec"] + options + [
        Self.image, "sh", "-c", "grep -c : /proc/net/dev; /bin/busybox ifconfig lo | grep -c UP",
      ], as: caller)
    #expect(outcome.line == "1\n1" && outcome.err.isEmpty, "\(outcome.out) \(outcome.err)")
  }

  @Test func `variables ask for the same`() throws {
    for name in ["APUS_NETWORK", "APPTAINER_NETWORK", "SINGULARITY_NETWORK"] {
      let outcome = try Installed.run(
        "exec", Self.image, "grep", "-c", ":", "/proc/net/dev", environment: [name: "none"])
      #expect(outcome.line == "1", "\(name) \(outcome.err)")
    }
  }

  @Test func `networks of the site are root's, and why is said`() throws {
    try Installed.withFolder { folder in
      try Installed.write(Data("allow net users = apus-test\n".utf8), to: folder + "/apus.conf")
      let outcome = try Installed.run("exec", "--net", "--network", "bridge", Self.image, "true")
      #expect(outcome.code == 255 && outcome.err.contains("takes root"), "\(outcome.err)")
      #expect(outcome.err.contains("set-uid") && outcome.err.contains("--network none"))
      let allowed = try Installed.run(
        "--config", folder + "/apus.conf", "exec", "--network", "bridge", Self.image, "true")
      #expect(allowed.code == 255 && allowed.err.contains("\"allow net users\""), "\(allowed.err)")
    }
  }

  @Test(arguments: [
    ["--network", "none,ptp"], ["--network", "none", "--publish", "80"], ["--publish", "8000-8010"],
    ["--network", "pasta", "--network-args", "IP=192.0.2.1"], ["--netns-path", "/x", "--network", "none"],
  ]) func `what makes no sense is refused with one message`(options: [String]) throws {
    let outcome = try Installed.execute(
      [Installed.apus, "exec"] + options + [Self.image, "true"], as: .user)
    #expect(outcome.code == 255 && outcome.err.hasPrefix("FATAL:   cannot "), "\(outcome.err)")
    #expect(outcome.err.components(separatedBy: "FATAL").count == 2)
  }

  /// Root's, and that of a user who is root of the user namespace it was made in.
  @Test func `a network namespace that is there is joined by whoever owns it`() throws {
    let script = """
      unshare -n sleep 30 >/dev/null 2>&1 &
      sleep 0.3; readlink /proc/$!/ns/net
      \(Installed.apus) exec --netns-path /proc/$!/ns/net \(Self.image) readlink /proc/self/ns/net
      kill $!
      """
    let root = try Installed.execute(["/bin/sh", "-c", script], as: .root)
    let lines = root.line.split(separator: "\n")
    #expect(lines.count == 2 && lines.first == lines.last, "\(root.out) \(root.err)")
    try Installed.withRuntimeDirectory { folder in
      let user = try Installed.execute(
        ["/usr/bin/unshare", "-Ur", "sh", "-c", script], as: .user, environment: ["XDG_RUNTIME_DIR": folder])
      let names = user.line.split(separator: "\n")
      #expect(names.count == 2 && names.first == names.last, "\(user.out) \(user.err)")
    }
    let refused = try Installed.run("exec", "--netns-path", "/proc/1/ns/net", Self.image, "true")
    #expect(refused.code == 255, "\(refused.err)")
    #expect(refused.err.contains("cannot enter the network namespace /proc/1/ns/net"))
    let wrong = try Installed.run("exec", "--netns-path", "/etc/hosts", Self.image, "true", as: .root)
    #expect(wrong.code == 255 && wrong.err.contains("no network namespace"), "\(wrong.err)")
  }

  @Test func `dns writes the name servers that are named, and no others`() throws {
    let outcome = try Installed.run(
      "exec", "--dns", "192.0.2.1, 2001:db8::1", "--dns", "fe80::1%eth0", Self.image, "cat",
      "/etc/resolv.conf")
    #expect(
      outcome.out == "nameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver fe80::1%eth0\n",
      "\(outcome.err)")
    for text in ["nameserver.example", "192.0.2.256", "192.0.2.1;evil", "fe80::1%"] {
      let refused = try Installed.run("exec", "--dns", text, Self.image, "true")
      #expect(refused.code == 255 && refused.err.contains("not an IPv4 or IPv6 address"), "\(refused.err)")
    }
    let open = try Installed.run("explain", "exec", "--dns", "192.0.2.1", Self.image, "true")
    #expect(open.out.contains("write /etc/resolv.conf (21 bytes) — --dns"))
  }
}
