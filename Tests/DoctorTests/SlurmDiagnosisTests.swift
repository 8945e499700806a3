import Model
import PluginStamp
import Testing

@testable import Doctor

@Suite struct SlurmDiagnosisTests {
  static let version = SlurmVersion("22.05.8")!

  static func facts(_ change: (inout SlurmNodeFacts) -> Void = { _ in }) -> SlurmNodeFacts {
    var facts = SlurmNodeFacts()
    facts.slurm = version
    facts.stack = "/etc/slurm/plugstack.conf"
    facts.hasStack = true
    facts.lineFile = "/etc/slurm/plugstack.conf.d/apus.conf"
    facts.pluginPath = "/lib/apus/slurm/spank_apus.so"
    facts.plugin = .stamped(version, isOpen: nil)
    facts.helper = "/bin/apus"
    facts.helperVersion = "1.2.3"
    facts.expected = "1.2.3"
    facts.cache = .init(path: "/nvme/apus", mode: 0o1777, free: 100 << 30)
    facts.minimumFree = 10 << 30
    facts.runtime = .init(path: "/run/apus", mode: 0o1777)
    facts.node.fuseMode = 0o666
    change(&facts)
    return facts
  }

  @Test func `a whole node is good in every check`() {
    let checks = Check.diagnose(Self.facts())
    #expect(checks.map(\.name) == Check.slurmNames)
    #expect(checks.allSatisfy { $0.state == .good && $0.cost.isEmpty && $0.remedy.isEmpty })
  }

  @Test func `a submit host needs neither directories nor namespaces`() {
    let checks = Check.diagnose(
      Self.facts {
        $0.isSubmitHost = true
        $0.cache = nil
        $0.node.userNamespaces = 1
      })
    #expect(checks.map(\.name) == ["slurm", "plugstack line", "plugin", "helper"])
    #expect(checks.allSatisfy { $0.state == .good })
  }

  static let lacks:
    [(name: String, state: Check.State, words: String, change: @Sendable (inout SlurmNodeFacts) -> Void)] = [
      ("slurm", .failing, "PATH", { $0.slurm = nil }),
      ("plugstack line", .failing, "what it includes have none", { $0.lineFile = nil }),
      ("plugstack line", .missing, "runs on the host", { $0.isRequired = false }),
      (
        "plugstack line", .failing, "no such mode",
        { $0.lineFault = Explanation(what: "stage", why: "no such mode", remedy: "mend the line") }
      ),
      ("plugin", .failing, "No such file", { $0.plugin = .unreadable(2) }),
      (
        "plugin", .failing, "it is no plugin",
        { $0.plugin = .noPlugin(Explanation(what: "", why: "it is no plugin")) }
      ),
      (
        "plugin", .failing, "for Slurm 23.11.0",
        { $0.plugin = .stamped(SlurmVersion("23.11.0"), isOpen: nil) }
      ),
      ("plugin", .failing, "of no version", { $0.plugin = .stamped(nil, isOpen: nil) }),
      ("plugin", .failing, "chown root /lib", { $0.plugin = .stamped(version, isOpen: "/lib") }),
      ("helper", .failing, "cannot be run", { $0.helperVersion = nil }),
      ("helper", .failing, "1.2.2, and the asking host has 1.2.3", { $0.helperVersion = "1.2.2" }),
      ("node cache", .missing, "no cache_dir", { $0.cache = nil }),
      ("node cache", .failing, "there is no /nvme/apus", { $0.cache?.mode = nil }),
      ("node cache", .failing, "chmod 1777 /nvme/apus", { $0.cache?.mode = 0o755 }),
      ("node cache", .failing, "users can remove what is another's", { $0.cache?.mode = 0o777 }),
      ("node cache", .missing, "Lustre", { $0.cache?.networkName = "Lustre" }),
      ("node cache", .missing, "9.5 GiB free, and 10.0 GiB are to stay free", { $0.cache?.free = 19 << 29 }),
      ("runtime directory", .failing, "--container-name", { $0.runtime.mode = nil }),
      ("user namespaces", .failing, "Operation not permitted", { $0.node.userNamespaces = 1 }),
      ("/dev/fuse", .missing, "modprobe fuse", { $0.node.fuseMode = nil }),
    ]

  @Test(arguments: lacks.indices) func `what is lacking is named, with what to do`(index: Int) {
    let lack = Self.lacks[index]
    let checks = Check.diagnose(Self.facts(lack.change))
    let bad = checks.filter { $0.state != .good }
    #expect(bad.map(\.name) == [lack.name])
    guard let check = bad.first else { return }
    #expect(check.state == lack.state && !check.remedy.isEmpty)
    #expect([check.found, check.cost, check.remedy].contains { $0.contains(lack.words) }, "\(check)")
  }

  @Test func `another micro release of Slurm loads the plugin`() {
    let checks = Check.diagnose(Self.facts { $0.plugin = .stamped(SlurmVersion("22.05.0"), isOpen: nil) })
    #expect(checks.allSatisfy { $0.state == .good })
  }
}
