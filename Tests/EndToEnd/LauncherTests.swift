import Foundation
import Testing

/// What the launcher is made of.
@Suite struct LauncherTests {
  @Test func `the launcher is one static file, without what a static program must not call`() throws {
    let headers = try Installed.execute(["/usr/bin/readelf", "-lW", Installed.apus], as: .root).out
    #expect(headers.contains("LOAD") && !headers.contains("INTERP") && !headers.contains("DYNAMIC"))
    let product = Installed.checkout + "/.build/release/apus"
    let symbols = try Installed.execute(["/usr/bin/nm", product], as: .root).out
    #expect(symbols.contains(" T main\n"))
    let names = symbols.split(separator: "\n").compactMap { $0.split(separator: " ").last }
    // They would load modules of the C library at run time, of whatever version the host has.
    let barred: Set<Substring> = [
      "getpwnam", "getpwuid", "getpwuid_r", "getgrgid", "getgrnam", "getaddrinfo", "iconv_open",
    ]
    #expect(names.filter { barred.contains($0) }.isEmpty)
    #expect(
      !names.contains {
        $0.contains("10Foundation") || $0.contains("8Dispatch") || $0.hasPrefix("dispatch_async")
      })
    // The entry points of Swift's concurrency runtime: a Task, an actor or an await would have brought them in.
    let concurrency = [
      "swift_task_", "swift_job_", "swift_asyncLet_", "swift_continuation_", "swift_defaultActor_",
    ]
    #expect(names.filter { name in concurrency.contains { name.hasPrefix($0) } } == [])
  }

  /// The system calls of a launch that finds its server running, up to the image's namespaces, each a line of strace
  /// with the paths of descriptors.
  private static func warmLaunch(_ image: String, _ folder: String) throws -> [String] {
    let holder = try Running(apus: "exec", image, "sh", "-c", "echo here; read word")
    #expect(holder.line() == "here")
    let trace = folder + "/trace"
    let outcome = try Installed.execute(
      ["/usr/bin/strace", "-y", "-o", trace, Installed.apus, "exec", image, "true"], as: .user)
    #expect(outcome.code == 0, "\(outcome.err)")
    _ = try holder.finish()
    let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").map(String.init)
    #expect(lines.contains { $0.hasPrefix("setns(") })
    return lines
  }

  @Test func `a launch from a warm mount costs four operations on the image's file system at most`() throws {
    try SharedMountTests.withImage { image in
      let folder = URL(fileURLWithPath: image).deletingLastPathComponent().path
      let calls = try Self.warmLaunch(image, folder).filter {
        $0.contains(image) && !$0.hasPrefix("execve(")
      }.map { String($0.prefix { $0 != "(" }) }
      // Open (with its look-up), facts of what is open, one read of the header; the release comes with execve.
      #expect(calls == ["openat", "newfstatat", "pread64"], "\(calls)")
    }
  }

  @Test func `a launch reads only files of the host that it needs, each once, and lists no directory`() throws
  {
    try SharedMountTests.withImage { image in
      let folder = URL(fileURLWithPath: image).deletingLastPathComponent().path
      let before = try Self.warmLaunch(image, folder).prefix { !$0.hasPrefix("setns(") }
      #expect(!before.contains { $0.hasPrefix("getdents") })
      let opened = before.filter { $0.hasPrefix("open") && !$0.contains("O_PATH") && !$0.contains(" = -1 ") }
        .map { String($0.split(separator: "\"")[1]) }
      let needed = [
        Installed.folder("APUS_TREE") + "/etc/apus/apus.conf",  // what the site decides
        image, "/proc/self/cgroup",  // which server may be shared
        "/etc/passwd", "/etc/group",  // who the caller is
        "/etc/resolv.conf",  // copied into the container
      ]
      #expect(opened.sorted() == needed.sorted(), "\(opened)")
    }
  }

  @Test func `nothing is read before the program's own work begins`() throws {
    try Installed.withFolder { folder in
      let trace = folder + "/trace"
      let outcome = try Installed.execute(
        ["/usr/bin/strace", "-o", trace, "-e", "trace=%file", Installed.apus, "version"], as: .root)
      #expect(outcome.code == 0)
      let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
      // execve itself, and /proc/self/exe of the C library.
      #expect(lines.filter { $0.contains("(") && !$0.hasPrefix("+++") }.count <= 2, "\(lines)")
    }
  }
}
