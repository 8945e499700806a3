import PluginStamp
import Testing

@testable import NodeSetup

@Suite struct SetupPlanTests {
  /// The smallest file with a number: an ELF header, one segment with all of it, and a symbol.
  static let plugin: PluginStamp = {
    func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
      (0..<MemoryLayout<T>.size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let name = Array("\0plugin_version\0".utf8)
    let segment =
      little(UInt32(1)) + little(UInt32(4)) + little(UInt64(0)) + [UInt8](repeating: 0, count: 16)
      + little(UInt64(400)) + little(UInt64(400)) + little(UInt64(4096))
    let symbol =
      little(UInt32(1)) + [0x11, 0] + little(UInt16(1)) + little(UInt64(64 + 56)) + little(UInt64(4))
    let data: [UInt8] = [8, 5, 22, 0]
    func section(_ type: UInt32, _ offset: Int, _ size: Int, _ link: UInt32, _ entry: Int) -> [UInt8] {
      little(UInt32(0)) + little(type) + [UInt8](repeating: 0, count: 16) + little(UInt64(offset))
        + little(UInt64(size)) + little(link) + little(UInt32(0)) + little(UInt64(8)) + little(UInt64(entry))
    }
    let symbols = 64 + 56 + 4
    let names = symbols + 24
    let headers = names + name.count
    var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    file +=
      little(UInt16(3)) + little(UInt16(62)) + little(UInt32(1)) + little(UInt64(0)) + little(UInt64(64))
    file +=
      little(UInt64(headers)) + little(UInt32(0)) + little(UInt16(64)) + little(UInt16(56))
      + little(UInt16(1))
    file += little(UInt16(64)) + little(UInt16(3)) + little(UInt16(0))
    file += segment + data + symbol + name
    file += section(0, 0, 0, 0, 0) + section(11, symbols, 24, 2, 24) + section(3, names, name.count, 0, 0)
    file += [UInt8](repeating: 0, count: max(0, 400 - file.count))
    return try! PluginStamp(file)
  }()
  static let version = SlurmVersion("26.05.3")!
  static let line = "/etc/slurm/plugstack.conf.d/apus.conf"

  static func request(_ change: (inout SetupRequest) -> Void = { _ in }) -> SetupRequest {
    var request = SetupRequest(
      version: version, plugin: plugin, library: "/opt/lib/apus", helper: "/opt/bin/apus",
      stack: "/etc/slurm/plugstack.conf", lineFile: line)
    change(&request)
    return request
  }

  static func text(_ steps: [SetupStep], of path: String) -> String? {
    for case .file(path, let content, _, _) in steps { return String(decoding: content, as: UTF8.self) }
    return nil
  }

  static func paths(_ steps: [SetupStep]) -> [String] {
    steps.map {
      switch $0 {
      case .directory(let path, let mode): "\(path)/ \(String(mode, radix: 8))"
      case .file(let path, _, _, let aside): "\(path) by \(aside)"
      case .link(let path, let target): "\(path) -> \(target)"
      case .advice(let text): text
      }
    }
  }

  @Test func `a new node gets the plugin, its directories, its line and the line that includes it`() throws {
    let steps = try planSetup(Self.request(), SetupFacts())
    #expect(
      Self.paths(steps) == [
        "/opt/lib/apus/slurm-26.05.3/ 755",
        "/opt/lib/apus/slurm-26.05.3/spank_apus.so by /opt/lib/apus/slurm-26.05.3",
        "/opt/lib/apus/slurm/ 755", "/opt/lib/apus/slurm/spank_apus.so -> ../slurm-26.05.3/spank_apus.so",
        "/var/cache/apus/ 1777", "/run/apus/ 1777", "/etc/tmpfiles.d/apus.conf by /etc",
        "/etc/slurm/plugstack.conf.d/ 755", "\(Self.line) by /etc/slurm",
        "/etc/slurm/plugstack.conf by /etc/slurm",
      ])
    #expect(
      Self.text(steps, of: Self.line)?.split(separator: "\n").last
        == "required /opt/lib/apus/slurm/spank_apus.so helper=/opt/bin/apus cache_dir=/var/cache/apus runtime_dir=/run/apus"
    )
    #expect(
      Self.text(steps, of: "/etc/slurm/plugstack.conf") == "include /etc/slurm/plugstack.conf.d/*.conf\n")
    guard case .file(_, let content, _, _) = steps[1] else { return }
    #expect(try PluginStamp(content).version == Self.version)
  }

  @Test func `a submit host gets no directories`() throws {
    let steps = try planSetup(
      Self.request { $0.isSubmitHost = true }, SetupFacts(stack: "include plugstack.conf.d/*\n"))
    #expect(
      !Self.paths(steps).contains { $0.hasPrefix("/run") || $0.hasPrefix("/var") || $0.contains("tmpfiles") })
    #expect(Self.text(steps, of: "/etc/slurm/plugstack.conf") == nil)
  }

  @Test func `the line keeps what the site decided, and its directories are made`() throws {
    let steps = try planSetup(
      Self.request { $0.runtimeDirectory = "/scratch/run" },
      SetupFacts(lineFile: "required /old/spank_apus.so cache_dir=/nvme/apus stage=node\n"))
    #expect(
      Self.text(steps, of: Self.line)
        == "required /opt/lib/apus/slurm/spank_apus.so cache_dir=/nvme/apus stage=node helper=/opt/bin/apus runtime_dir=/scratch/run\n"
    )
    #expect(Self.paths(steps).filter { $0.hasSuffix(" 1777") } == ["/nvme/apus/ 1777", "/scratch/run/ 1777"])
    #expect(!Self.paths(steps).contains { $0.contains("tmpfiles") })
  }

  @Test func `a line with the names of Pyxis gets the same directories`() throws {
    let steps = try planSetup(
      Self.request(),
      SetupFacts(lineFile: "required /old/spank_apus.so runtime_path=/scratch/run/ cache_dir=/nvme/apus\n"))
    #expect(Self.paths(steps).filter { $0.hasSuffix(" 1777") } == ["/nvme/apus/ 1777", "/scratch/run/ 1777"])
  }

  @Test func `a line that no step could use is refused`() {
    #expect {
      _ = try planSetup(Self.request(), SetupFacts(lineFile: "required /old/spank_apus.so stage=later\n"))
    } throws: { error in
      guard case .line? = error as? SetupFault else { return false }
      return true
    }
  }

  @Test func `a plugstack conf of the site is not changed, but the missing line is said`() throws {
    let advised = try planSetup(Self.request(), SetupFacts(stack: "required other.so\n"))
    #expect(
      Self.paths(advised).last
        == "add this line to /etc/slurm/plugstack.conf: include /etc/slurm/plugstack.conf.d/*.conf")
    #expect(Self.text(advised, of: "/etc/slurm/plugstack.conf") == nil)
  }

  @Test func `the line may stand in plugstack conf itself, among others`() throws {
    let steps = try planSetup(
      Self.request { $0.lineFile = $0.stack },
      SetupFacts(stack: "required other.so\n", lineFile: "required other.so\n"))
    let text = try #require(Self.text(steps, of: "/etc/slurm/plugstack.conf"))
    #expect(text.hasPrefix("required other.so\nrequired /opt/lib/apus/slurm/spank_apus.so helper="))
    #expect(Self.paths(steps).last == "/etc/slurm/plugstack.conf by /etc/slurm")
  }

  @Test func `a directory for the plugin takes the place of the link`() throws {
    let steps = try planSetup(Self.request { $0.pluginDirectory = "/usr/lib/slurm/" }, SetupFacts())
    #expect(Self.paths(steps)[1] == "/usr/lib/slurm/spank_apus.so by /usr/lib/slurm")
    #expect(Self.text(steps, of: Self.line)?.contains("required /usr/lib/slurm/spank_apus.so ") == true)
  }

  @Test func `where the controller sends plugstack conf, the line is said and nothing is written there`()
    throws
  {
    let request = Self.request {
      $0.isConfigless = true
      $0.stack = "/run/slurm/conf/plugstack.conf"
      $0.lineFile = "/run/slurm/conf/plugstack.conf.d/apus.conf"
    }
    let steps = Self.paths(try planSetup(request, SetupFacts(stack: "required other.so\n")))
    let line =
      "required /opt/lib/apus/slurm/spank_apus.so helper=/opt/bin/apus cache_dir=/var/cache/apus runtime_dir=/run/apus"
    #expect(steps.last == "plugstack.conf is the controller's; there, this line: " + line)
    #expect(steps.contains("/var/cache/apus/ 1777") && !steps.contains { $0.hasPrefix("/run/slurm") })
    let done = Self.paths(try planSetup(request, SetupFacts(stack: "required other.so\n" + line + "\n")))
    #expect(done == Array(steps.dropLast()))
  }

  @Test(arguments: ["relative", "/with blank", "/with\nline", "/with#hash", "/with\"quote"])
  func `paths that plugstack conf cannot hold are refused`(path: String) {
    #expect(throws: SetupFault.path(option: "--cache-dir", value: path)) {
      try planSetup(Self.request { $0.cacheDirectory = path }, SetupFacts())
    }
  }
}
