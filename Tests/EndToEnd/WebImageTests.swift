import Foundation
import Testing

/// Images that come whole: from a web server, and from a library of the site's.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test")) struct WebImageTests {
  /// A server of the files of a folder on loopback: its address, and the lines of its log.
  private static func withServer(
    _ folder: String, _ body: (_ address: String, _ log: () throws -> [String]) throws -> Void
  ) throws {
    let log = folder + "-log"
    let server = try Running(
      [
        "/bin/sh", "-c",
        "exec python3 -u -m http.server --bind 127.0.0.1 --directory '\(folder)' 0 2>'\(log)'",
      ],
      as: .root)
    let words = server.line().split(separator: " ")
    let port = try #require(words.drop { $0 != "port" }.dropFirst().first)
    defer { try? FileManager.default.removeItem(atPath: log) }
    try body("http://127.0.0.1:\(port)") {
      try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
    }
  }

  private static func copy(_ image: String, to path: String) throws {
    let parent = (path as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: Installed.image(image), toPath: path)
  }

  @Test func `a SIF behind an address runs, and is pulled byte for byte under its own name`() throws {
    try RegistryCaller.with { us in
      try Self.copy("tiny.sif", to: us.path("www/tiny.sif"))
      try Self.withServer(us.path("www")) { address, log in
        let outcome = try us.apus("exec", "--no-https", address + "/tiny.sif", "id", "-u")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(try us.apus("pull", "--no-https", address + "/tiny.sif").code == 0)
        #expect(try us.bytes("tiny.sif") == us.bytes("www/tiny.sif"))
        // Within the tag's time nobody is asked.
        let asked = try log().count
        #expect(try us.apus("exec", "--no-https", address + "/tiny.sif", "true").code == 0)
        #expect(try us.apus("exec", "--offline", address + "/tiny.sif", "true").code == 0)
        #expect(try log().count == asked)
      }
    }
  }

  @Test func `what is no image behind an address, or is missing, is refused and not kept`() throws {
    try RegistryCaller.with { us in
      try us.write("www", to: "page.html", content: "<html>log in</html>")
      try Self.withServer(us.path("www")) { address, _ in
        for (name, text) in [("page.html", "neither a SIF nor a squashfs"), ("missing.sif", "404")] {
          let outcome = try us.apus("pull", "--no-https", "out.sif", address + "/" + name)
          #expect(outcome.code == 255)
          #expect(outcome.err.contains("FATAL:   ") && outcome.err.contains(text), "\(outcome.err)")
          #expect(us.cached("images").isEmpty)
          #expect(!FileManager.default.fileExists(atPath: us.path("out.sif")))
        }
      }
    }
  }

  @Test func `a library that the site names gives its images, verified`() throws {
    try RegistryCaller.with { us in
      let file = us.path("www/v1/imagefile/some/thing/tiny:1.0")
      try Self.copy("tiny.sif", to: file)
      let sum = try Installed.execute(["/usr/bin/sha256sum", file], as: .root).out.prefix(64)
      func describe(_ hash: String) throws {
        try us.write(
          "www/v1/images/some/thing", to: "tiny:1.0", content: "{\"data\":{\"hash\":\"sha256.\(hash)\"}}")
      }
      try Self.withServer(us.path("www")) { address, _ in
        try us.write("", to: "site.conf", content: "library uri = \(address)\n")
        let words = [
          "--config", us.path("site.conf"), "exec", "--no-https", "library://some/thing/tiny:1.0", "id", "-u",
        ]
        try describe(String(repeating: "0", count: 64))
        let lied = try us.execute([Installed.apus] + words)
        #expect(lied.code == 255 && lied.err.contains("digest"), "\(lied.err)")
        #expect(us.cached("images").isEmpty)
        try describe(String(sum))
        let outcome = try us.execute([Installed.apus] + words)
        #expect(outcome.code == 0, "\(outcome.err)")
      }
    }
  }

  @Test(
    arguments: [
      ("library://some/thing/tiny", "library uri"), ("shub://some/thing", "docker://"),
      ("docker:alpine", "docker://alpine"), ("ftp://host/file", "ftp"),
    ])
  func `a source that cannot be had is one failure with the way now`(source: String, text: String) throws {
    try RegistryCaller.with { us in
      let outcome = try us.apus("pull", "out.sif", source)
      #expect(outcome.code == 255)
      #expect(outcome.err.hasPrefix("FATAL:   ") && outcome.err.contains(text), "\(outcome.err)")
    }
  }
}
