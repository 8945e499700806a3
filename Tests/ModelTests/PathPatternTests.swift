import Model
import Testing

@Suite struct PathPatternTests {
  @Test(arguments: [
    ("/etc/slurm/plugstack.conf.d/*", true), ("/etc/slurm/plugstack.conf.d/*.conf", true),
    ("/etc/slurm/plugstack.conf.d/a?us.con[a-g]", true), ("/etc/*/*/*", true),
    ("/etc/slurm/plugstack.conf.d/[!b]*", true), ("/etc/slurm/plugstack.conf.d/*s*o*", true),
    ("/etc/slurm/*", false), ("/etc/slurm/plugstack.conf.d/*.cfg", false),
    ("/etc/slurm/plugstack.conf.d/[b-z]*", false), ("/etc/slurm/plugstack.conf.d/apus", false),
  ])
  func `patterns name paths`(pattern: String, isIt: Bool) {
    #expect(PathPattern.matches(pattern, "/etc/slurm/plugstack.conf.d/apus.conf") == isIt)
  }

  @Test func `a star names no hidden file`() { #expect(!PathPattern.matches("/a/*", "/a/.apus.conf.12")) }
}
