import Foundation
import Testing

/// `--net`, `--network`, `--dns`: the host's network, or loopback alone.
@Suite struct NetworkTests {
  static let image = Installed.image("tiny.sif")

  @Test(arguments: Caller.allCases, [["--net"], ["--network", "none"], ["-n", "--network=none"]])
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
    for variables in [["APUS_NET": "1"], ["APPTAINER_NETWORK": "none"], ["SINGULARITY_UNSHARE_NET": "true"]] {
      let outcome = try Installed.run(
        "exec", Self.image, "grep", "-c", ":", "/proc/net/dev", environment: variables)
      #expect(outcome.line == "1", "\(variables) \(outcome.err)")
    }
  }

  @Test(
    arguments: Caller.allCases,
    [["--network", "bridge"], ["--net", "--network", "none,ptp"], ["--network-args", "portmap=80:80/tcp"]])
  func `networks that have to be set up are refused in words that say what works`(
    caller: Caller, options: [String]
  ) throws {
    let outcome = try Installed.execute(
      [Installed.apus, "exec"] + options + [Self.image, "true"], as: caller)
    #expect(outcome.code == 255)
    #expect(outcome.err.contains("not in this version") && outcome.err.contains("--network none"))
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
