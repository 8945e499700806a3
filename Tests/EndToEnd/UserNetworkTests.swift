import Foundation
import Testing

/// What carries networks is counted, and one of the tests has an instance: one at a time with those of instances.
extension InstanceTests {
  /// Networks in user mode: pasta and slirp4netns, from their start to their end.
  @Suite(.serialized) struct UserNetworkTests {
    static let image = Installed.image("tiny.sif")
    static let tools = ["pasta", "slirp4netns"]

    /// Tools and keepers that are running for the tests' user.
    static func running() throws -> String {
      try Installed.execute(
        ["/bin/sh", "-c", "pgrep -a -u apus-test | grep -e '/netns/apus' -e 'apus: network' || true"],
        as: .root
      ).out
    }

    static func waitForEnd() throws -> Bool {
      for _ in 0..<100 {
        if try running().isEmpty { return true }
        usleep(50_000)
      }
      return false
    }

    /// Listens on a free port of an address, prints it, and answers each connection.
    static func server(_ address: String = "127.0.0.1") throws -> (Running, port: String) {
      let program = """
        import socket
        s = socket.socket(); s.bind(("\(address)", 0)); s.listen(); print(s.getsockname()[1], flush=True)
        while True:
          c, _ = s.accept(); c.sendall(b"from the host\\n"); c.close()
        """
      let server = try Running(["/usr/bin/python3", "-c", program], as: .root)
      return (server, server.line())
    }

    /// What a server at a port of the host's loopback says first.
    static func ask(_ port: String) throws -> Outcome {
      let program =
        "import socket; print(socket.create_connection(('127.0.0.1', \(port)), 10).recv(99).decode(), end='')"
      return try Installed.execute(["/usr/bin/python3", "-c", program], as: .root)
    }

    static func freePort() throws -> String {
      let program = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
      return try Installed.execute(["/usr/bin/python3", "-c", program], as: .root).line
    }

    /// The gateway of the container, which both tools map to the loopback of the host.
    static let gateway = "$(/bin/busybox route -n | grep ^0.0.0.0 | /bin/busybox awk 'NR == 1 { print $2 }')"

    @Test(arguments: tools)
    func `a container has an interface of its own, reaches the host, and leaves nothing running`(tool: String)
      throws
    {
      let (server, port) = try Self.server()
      let outcome = try Installed.run(
        "exec", "--network", tool, Self.image, "sh", "-c",
        // The first pastas lose what comes to a connection whose other half is closed already.
        "grep -c : /proc/net/dev; /bin/busybox sleep 1 | /bin/busybox nc -w 20 \(Self.gateway) \(port); exit 7"
      )
      #expect(outcome.line == "2\nfrom the host" && outcome.code == 7, "\(outcome.out) \(outcome.err)")
      #expect(try Self.running().isEmpty)
      withExtendedLifetime(server) {}
    }

    @Test func `pasta is what --net alone means, where it is installed`() throws {
      let outcome = try Installed.run("explain", "exec", "--net", Self.image, "true")
      #expect(
        outcome.out.contains("network: in user mode, by /usr/bin/pasta\n"), "\(outcome.out) \(outcome.err)")
    }

    @Test(arguments: tools, ["--publish", "--network-args"])
    func `a port of the host leads to one of the container`(tool: String, option: String) throws {
      let port = try Self.freePort()
      let words = option == "--publish" ? "127.0.0.1:\(port):80" : "portmap=\(port):80/tcp"
      let container = try Running(
        apus: "exec", "--network", tool, option, words, Self.image, "sh", "-c",
        "/bin/busybox nc -l -p 80 -e /bin/busybox echo from the container & echo up; read word")
      #expect(container.line() == "up")
      usleep(300_000)
      #expect(try Self.ask(port).line == "from the container")
      let taken = try Installed.run(
        "exec", "--network", tool, "--publish", "127.0.0.1:\(port):80", Self.image, "true")
      #expect(taken.code == 255 && taken.err.contains("FATAL:   cannot connect the network"), "\(taken.err)")
      #expect(taken.err.contains(port), "\(taken.err)")
      container.say("end")
      #expect(try container.finish().code == 0)
    }

    @Test(arguments: tools) func `what carries the network ends with a launcher that is killed`(tool: String)
      throws
    {
      let container = try Running(
        apus: "exec", "--network", tool, Self.image, "sh", "-c", "echo up; exec sleep 60")
      #expect(container.line() == "up")
      #expect(try !Self.running().isEmpty)
      kill(container.pid, SIGKILL)
      #expect(try Self.waitForEnd(), "\(try? Self.running())")
    }

    /// With a name server that only the host reaches, as many have it, which knows one name.
    @Test(arguments: [("pasta", "169.254.1.1"), ("slirp4netns", "10.0.2.3")])
    func `names are found where the host's name server listens on loopback`(tool: String, address: String)
      throws
    {
      let program = """
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.99", 53)); print("up", flush=True)
        while True:
          q, a = s.recvfrom(512)
          name = q[12:q.index(0, 12) + 5]
          ok = name[-4:-2] == b"\\0\\1"
          s.sendto(q[:2] + b"\\x81\\x80\\0\\1\\0" + (b"\\1" if ok else b"\\0") + b"\\0\\0\\0\\0" + name
            + (b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\xc0\\0\\2\\x4d" if ok else b""), a)
        """
      let server = try Running(["/usr/bin/python3", "-c", program], as: .root)
      #expect(server.line() == "up")
      try Installed.withFolder { folder in
        try Installed.write(Data("nameserver 127.0.0.99\n".utf8), to: folder + "/resolv.conf")
        let outcome = try Installed.execute(
          [
            "/usr/bin/unshare", "-m", "sh", "-c",
            """
            mount --bind \(folder)/resolv.conf $(readlink -f /etc/resolv.conf) || exit 99
            exec setpriv --reuid apus-test --regid apus-test --init-groups \(Installed.apus) exec --network \(tool) \
              \(Self.image) sh -c 'cat /etc/resolv.conf; /bin/busybox nslookup some.name.test'
            """,
          ], as: .root)
        #expect(outcome.out.hasPrefix("nameserver \(address)\n"), "\(outcome.out) \(outcome.err)")
        #expect(outcome.out.contains("192.0.2.77"), "\(outcome.out) \(outcome.err)")
      }
      withExtendedLifetime(server) {}
    }

    @Test func `without either tool the packages are named`() throws {
      let hide = Self.tools.map { "mount --bind /dev/null $(readlink -f /usr/bin/\($0)) || exit 99" }
      let outcome = try Installed.execute(
        [
          "/usr/bin/unshare", "-m", "sh", "-c",
          hide.joined(separator: "\n")
            + "\nexec setpriv --reuid apus-test --regid apus-test --init-groups \(Installed.apus) exec --net \(Self.image) true",
        ], as: .root)
      #expect(outcome.code == 255, "\(outcome.err)")
      for word in ["FATAL:   cannot make a network", "passt", "slirp4netns", "--network none"] {
        #expect(outcome.err.contains(word), "\(outcome.err)")
      }
    }

    @Test func `it goes on for as long as an instance`() throws {
      let name = "net" + UUID().uuidString.prefix(6)
      let start = try Installed.run("instance", "start", "--net", Self.image, name)
      #expect(start.code == 0, "\(start.err)")
      let inside = try Installed.run("exec", "instance://" + name, "grep", "-c", ":", "/proc/net/dev")
      #expect(inside.line == "2", "\(inside.err)")
      #expect(try Installed.run("instance", "stop", name).code == 0)
      #expect(try Self.waitForEnd(), "\(try? Self.running())")
    }
  }
}
