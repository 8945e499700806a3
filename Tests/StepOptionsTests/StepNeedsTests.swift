import Launch
import Model
import Settings
import Testing

@testable import StepOptions

@Suite struct StepNeedsTests {
  static func needs(_ variables: [String]) -> StepNeeds {
    StepNeeds.ofMPI(Variables(variables), exists: { $0 == "/spool/pmix.1.0" })
  }
  static let server = RequestedMount(
    .bind(source: "/spool/pmix.1.0", isWritable: true), target: "/spool/pmix.1.0",
    origin: "PMIX_SERVER_TMPDIR", isOptional: true, isOfSite: true)

  @Test(
    arguments: [
      ([], [], [], []),
      (["PMI_FD=7", "PMI_RANK=0"], [], [], [7]), (["PMI_FD=x"], [], [], []), (["PMI_FD=2"], [], [], []),
      (
        ["PMIX_RANK=0", "PMIX_SERVER_TMPDIR=/spool/pmix.1.0/"], [server], ["PMIX_MCA_psec=native"], []
      ),
      (
        ["PMIX_NAMESPACE=s", "PMIX_SERVER_TMPDIR=/gone"], [], ["PMIX_MCA_psec=native", "PMIX_MCA_gds=hash"],
        []
      ),
      (["PMIX_RANK=0", "PMIX_MCA_psec=munge", "PMIX_MCA_gds=ds21"], [], [], []),
      (["PMIX_RANK=0", "PMIX_SERVER_TMPDIR=rel"], [], ["PMIX_MCA_psec=native", "PMIX_MCA_gds=hash"], []),
      // Left over in a session: no server of this step.
      (["PMIX_SERVER_TMPDIR=/spool/pmix.1.0"], [], [], []),
    ] as [([String], [RequestedMount], [String], [Int32])])
  func `what programs need that find each other through Slurm`(
    variables: [String], mounts: [RequestedMount], set: [String], descriptors: [Int32]
  ) {
    let needs = Self.needs(variables)
    #expect(needs.mounts == mounts)
    #expect(needs.variables == set)
    #expect(needs.descriptors == descriptors)
  }

  @Test func `files that Slurm executes are shown read-only where they are`() {
    let needs = StepNeeds.ofFiles(
      batchScript: "/var/spool/slurmd/job00007/slurm_script",
      prologs: ["/etc/slurm/p.sh", "relative", "/", "/etc/slurm/p.sh"])
    #expect(needs.mounts.map(\.target) == ["/var/spool/slurmd/job00007/slurm_script", "/etc/slurm/p.sh"])
    for mount in needs.mounts {
      #expect(mount.content == .bind(source: mount.target, isWritable: false))
      #expect(mount.isOptional && mount.isOfSite)
    }
    #expect(StepNeeds.ofFiles(batchScript: nil) == StepNeeds())
  }

  @Test func `needs add up`() {
    let sum = Self.needs(["PMI_FD=7"]) + StepNeeds.ofFiles(batchScript: "/s")
    #expect(sum.descriptors == [7] && sum.mounts.count == 1)
  }
}
