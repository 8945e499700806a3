import Launch
import Model
import NodeCache
import Testing

@testable import StepOptions

@Suite struct SiteOptionsTests {
  typealias Change = @Sendable (inout SiteOptions) -> Void

  static let rows: [([String], Change)] = [
    ([], { _ in }),
    (["helper=/opt/apus/bin/apus"], { $0.helper = "/opt/apus/bin/apus" }),
    (["cache_dir=/var/cache/apus/"], { $0.cacheDirectory = "/var/cache/apus" }),
    (["cache_max=50%"], { $0.cacheMaximum = .percent(50) }),
    (
      ["cache_max=100G", "min_free=5k"],
      {
        $0.cacheMaximum = .bytes(100 << 30)
        $0.minimumFree = 5 << 10
      }
    ),
    (["min_free=512MiB"], { $0.minimumFree = 512 << 20 }), (["min_free=1000"], { $0.minimumFree = 1000 }),
    (["cache_max=1P"], { $0.cacheMaximum = .bytes(1 << 50) }), (["min_free=0"], { _ in }),
    (["stage=auto"], { $0.stage = .auto }), (["stage=sbcast"], { $0.stage = .sbcast }),
    (["sbcast_min=4"], { $0.sbcastMinimum = 4 }), (["on_full=fail"], { $0.whenFull = .fail }),
    (["verify=sample"], { $0.verify = .sample }),
    (["image_path=/shared/images:/site"], { $0.imagePath = ["/shared/images", "/site"] }),
    (["runtime_dir=/run/x"], { $0.runtimeDirectory = "/run/x" }),
    (["runtime_path=/run/y"], { $0.runtimeDirectory = "/run/y" }),
    (["scope=global"], { $0.scope = .global }), (["container_scope=job"], { $0.scope = .job }),
    (["sbatch=steps"], { $0.batch = .steps }), (["native=off"], { $0.native = .off }),
    (["kill_on_fail=off"], { $0.endsStepOnFailure = false }), (["quiet"], { $0.isQuiet = true }),
    (["quiet=on"], { $0.isQuiet = true }), (["defaults=pyxis"], { $0.defaults = .pyxis }),
    (["execute_entrypoint=1"], { $0.runsEntrypoint = true }),
    (["sbatch_support=1"], { _ in }),
    (["env_deny=SECRET,AWS_*"], { $0.deniedVariables = ["SECRET", "AWS_*"] }),
    (
      ["bind=/etc/slurm/prolog.sh,/scratch:/s:rw,/a:/b:ro"],
      {
        $0.binds = [
          mount("/etc/slurm/prolog.sh", "/etc/slurm/prolog.sh", writable: false),
          mount("/scratch", "/s", writable: true), mount("/a", "/b", writable: false),
        ]
      }
    ),
  ]

  static func mount(_ source: String, _ target: String, writable: Bool) -> RequestedMount {
    RequestedMount(
      .bind(source: source, isWritable: writable), target: target, origin: "bind= of plugstack.conf",
      isOptional: true, isOfSite: true)
  }

  @Test(arguments: rows.indices) func `each word of the line`(index: Int) throws {
    var expected = SiteOptions()
    Self.rows[index].1(&expected)
    #expect(try SiteOptions(words: Self.rows[index].0) == expected)
  }

  @Test(arguments: [
    ("helper=apus", "an absolute path"), ("cache_dir=", "an absolute path"),
    ("cache_max=120%", "a percentage"), ("cache_max=0%", "a percentage"),
    ("cache_max=10X", "a percentage"), ("min_free=G", "bytes like"), ("min_free=-1", "bytes like"),
    ("min_free=5%", "bytes like"),
    ("min_free=99999999999999P", "bytes like"), ("stage=later", "direct, node, sbcast, auto"),
    ("sbcast_min=0", "a number above 0"), ("sbcast_min=x", "a number above 0"),
    ("on_full=wait", "direct, fail"), ("verify=most", "stat, sample, full"),
    ("image_path=a:/b", "an absolute path"),
    ("scope=node", "job, global"), ("container_scope=node", "job, global"), ("sbatch=off", "on, steps"),
    ("native=yes", "auto, off"), ("kill_on_fail=perhaps", "on or off"), ("quiet=loud", "on or off"),
    ("defaults=enroot", "apus, pyxis"), ("bind=rel", "SRC[:DST][:rw]"), ("bind=/a:/", "SRC[:DST][:rw]"),
    ("bind=/a:/b:/c", "SRC[:DST][:rw]"), ("env_deny=A B", "names of variables"), ("env_deny=*", "names of"),
  ])
  func `a value without sense is refused by its word`(word: String, expected: String) {
    let key = String(word.prefix { $0 != "=" })
    #expect {
      _ = try SiteOptions(words: [word])
    } throws: { error in
      guard case .siteValue(key, _, let text)? = error as? StepFault else { return false }
      return text.hasPrefix(expected)
    }
  }

  @Test(arguments: [
    ["colour=blue"], ["importer=/x"], ["use_enroot_load=1"], ["use_squashfuse=1"], ["sbatch_support=0"],
    ["cache_dir=/tmp/cache"], ["cache_dir=/dev/shm"], ["stage=node", "stage=auto"],
    ["runtime_dir=/a", "runtime_path=/b"],
  ])
  func `words that do not do what they seem to are told`(words: [String]) throws {
    #expect(try SiteOptions(words: words).notices.count == 1)
  }

  @Test func `what is still to come is refused`() {
    #expect(throws: StepFault.notInThisVersion(origin: "verify=sig")) {
      try SiteOptions(words: ["verify=sig"])
    }
  }

  @Test func `the last word of two counts`() throws {
    let site = try SiteOptions(words: ["stage=node", "stage=auto", "sbatch_support=no"])
    #expect(site.stage == .auto && site.batch == .steps)
  }
}
