import Foundation
import Testing

/// Networks of the site, which plugins connect root's containers to.
///
/// The host of each test is a network namespace made for it, with a place of its own for the plugins' files: what they
/// leave by design (the bridge, empty chains) goes with it. A kernel without bridges or veth fails here.
@Suite(.serialized) struct SiteNetworkTests {
  static let image = Installed.image("tiny.sif")

  /// What is left of containers: interfaces, rules of the firewall that name one, and addresses that are taken.
  static let left = """
    left() { ip -o link | grep -c veth; iptables-save | grep -c apus-; \
    find /var/lib/cni -name '10.*' 2>/dev/null | wc -l; }
    """

  static func onHost(_ script: String, environment: [String: String] = [:]) throws -> Outcome {
    try Installed.execute(
      [
        "/usr/bin/unshare", "-n", "-m", "sh", "-c",
        "mount -t tmpfs none /var/lib && ip link set lo up || exit 99\n" + left + "\n" + script,
      ], as: .root, environment: environment)
  }

  static let server = """
    python3 -c 'import socket
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("0.0.0.0", 8077)); s.listen()
    while True:
      c, _ = s.accept(); c.sendall(b"from the host\\n"); c.close()' >/dev/null 2>&1 &
    server=$!
    trap 'kill $server' EXIT
    sleep 0.5
    """

  static func ask(_ port: Int) -> String {
    "python3 -c 'import socket; print(socket.create_connection((\"127.0.0.1\", \(port)), 10).recv(99).decode(), end=\"\")'"
  }

  @Test(arguments: [("bridge", "10.63.0.1"), ("ptp", "10.64.0.1")])
  func `a container reaches the host, and nothing of it is left`(network: String, address: String) throws {
    let outcome = try Self.onHost(
      Self.server + "\n"
        + """
        \(Installed.apus) exec --network \(network) \(Self.image) sh -c \
          '/bin/busybox ip -o -4 addr show eth0 | grep -c inet; /bin/busybox nc \(address) 8077 </dev/null; exit 7'
        echo $?; left
        """)
    #expect(outcome.line == "1\nfrom the host\n7\n0\n0\n0", "\(outcome.out) \(outcome.err)")
  }

  @Test func `bridge is what --net means to root`() throws {
    let outcome = try Installed.run("explain", "exec", "--net", Self.image, "true", as: .root)
    #expect(outcome.out.contains("network: eth0 in bridge, by /usr/lib/cni/bridge"), "\(outcome.out)")
  }

  @Test func `ports and addresses are given, and taken back when the launcher is killed`() throws {
    let outcome = try Self.onHost(
      """
      \(Installed.apus) exec --pid --network bridge,ptp --network-args 'portmap=8080:80/tcp;IP=10.63.0.77' \(Self.image) \
        sh -c '/bin/busybox nc -l -p 80 -e /bin/busybox echo from the container & echo up; sleep 60' >/tmp/up-$$ &
      launcher=$!
      for i in $(seq 100); do grep -q up /tmp/up-$$ && break; sleep 0.1; done
      rm /tmp/up-$$; sleep 0.3
      ls /var/lib/cni/networks/bridge/10.63.0.77
      \(Self.ask(8080))
      ip -o link | grep -c veth
      kill -KILL $launcher
      for i in $(seq 100); do [ "$(left | tr -d '\\n')" = 000 ] && break; sleep 0.1; done
      left
      """)
    #expect(
      outcome.line == "/var/lib/cni/networks/bridge/10.63.0.77\nfrom the container\n2\n0\n0\n0",
      "\(outcome.out) \(outcome.err)")
  }

  @Test func `what a plugin says is the reason, and what was made before is removed`() throws {
    let outcome = try Self.onHost(
      """
      \(Installed.apus) exec --network ptp,bridge --network-args 'bridge:IP=192.0.2.9' \(Self.image) true
      echo $?; left
      """)
    #expect(outcome.line == "255\n0\n0\n0", "\(outcome.out)")
    #expect(
      outcome.err.hasPrefix(
        "FATAL:   cannot connect the container to the network bridge: its plugin bridge says: "))
    #expect(outcome.err.contains("192.0.2.9"), "\(outcome.err)")
  }

  @Test func `a network or plugin that is not there is named, with what is`() throws {
    let unknown = try Installed.run("exec", "--network", "nope", Self.image, "true", as: .root)
    #expect(unknown.code == 255 && unknown.err.contains("bridge, ptp, and none"), "\(unknown.err)")
    try Installed.withFolder { folder in
      try Installed.write(Data("cni plugin path = \(folder)\n".utf8), to: folder + "/apus.conf")
      let lacking = try Installed.run(
        "--config", folder + "/apus.conf", "exec", "--net", Self.image, "true", as: .root)
      #expect(lacking.code == 255 && lacking.err.contains("containernetworking-plugins"), "\(lacking.err)")
    }
    let user = try Installed.run("exec", "--network", "pasta", Self.image, "true", as: .root)
    #expect(user.code == 255 && user.err.contains("for ordinary users"), "\(user.err)")
  }
}

/// One at a time with all other tests of instances.
extension InstanceTests {
  @Test func `an instance has its network until it is stopped`() throws {
    let name = "site" + UUID().uuidString.prefix(6)
    try Installed.withFolder { folder in
      let outcome = try SiteNetworkTests.onHost(
        """
        \(Installed.apus) --quiet instance start --net \(SiteNetworkTests.image) \(name) && \
          \(Installed.apus) exec instance://\(name) grep -c eth0 /proc/net/dev
        ip -o link | grep -c veth
        \(Installed.apus) --quiet instance stop \(name)
        for i in $(seq 100); do [ "$(left | tr -d '\\n')" = 000 ] && break; sleep 0.1; done
        left
        """, environment: ["APUS_CONFIGDIR": folder])
      #expect(outcome.line == "1\n1\n0\n0\n0", "\(outcome.out) \(outcome.err)")
    }
  }
}
