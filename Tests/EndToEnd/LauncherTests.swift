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
