import Model
import Settings
import Testing

@testable import StepOptions

@Suite struct StepEnvironmentTests {
  @Test(
    arguments: [
      ([], [], []),
      (["A=1"], ["A=1"], []),
      (["A=1"], ["A=2", "B=3"], [.set(name: "A", value: "2"), .set(name: "B", value: "3")]),
      (["A=1", "B=2"], ["B=2"], [.unset(name: "A")]),
      (["BASH_FUNC_module%%=() { x; }"], [], [.unset(name: "BASH_FUNC_module%%")]),
      (["A=1", "A=2"], [], [.unset(name: "A")]),
      // A task's own, whatever the plan says.
      (["SLURM_PROCID=0", "PMI_RANK=0", "PMIX_RANK=0", "SPANK_X=1", "PMI_FD=7"], [], []),
      (["SLURM_PROCID=1"], ["SLURM_PROCID=0", "PMI_RANK=9", "PMIX_RANK=9"], []),
      (["CUDA_VISIBLE_DEVICES=1"], ["CUDA_VISIBLE_DEVICES=all"], []),
      (["ROCR_VISIBLE_DEVICES=1", "GPU_DEVICE_ORDINAL=1", "MPI_LOCALRANKID=1", "MPIRUN_RANK=1"], [], []),
      ([], ["CUDA_VISIBLE_DEVICES=all"], [.set(name: "CUDA_VISIBLE_DEVICES", value: "all")]),
      // Settings with such names are not of a task.
      (["PMIX_RANK=0"], ["PMIX_MCA_psec=native"], [.set(name: "PMIX_MCA_psec", value: "native")]),
      (["MPI_HOME=/host"], ["MPI_HOME=/image"], [.set(name: "MPI_HOME", value: "/image")]),
      ([], ["SLURM_CONF=/image/slurm.conf"], [.set(name: "SLURM_CONF", value: "/image/slurm.conf")]),
      (["SLURM_CONF=/host"], ["SLURM_CONF=/image"], []), (["SLURM_CONF=/host"], [], []),
      // Defaults of steps that are started inside.
      (
        ["APUS_CONTAINER_IMAGE=/i", "PYXIS_CONTAINER_MOUNTS=/a", "APUS_BIND=/b"], [],
        [.unset(name: "APUS_BIND")]
      ),
    ] as [([String], [String], [EnvironmentChange])])
  func `the difference that every task of a node applies`(
    host: [String], container: [String], changes: [EnvironmentChange]
  ) {
    #expect(
      stepEnvironment(host: Variables(host), container: container, site: SiteOptions()) == changes)
  }

  @Test func `what the site denies goes, a task's own too, but not what the image brings`() throws {
    let site = try SiteOptions(words: ["env_deny=SECRET,SLURM_JWT,AWS_*"])
    let changes = stepEnvironment(
      host: Variables(["SECRET=x", "SLURM_JWT=t", "AWS_KEY=k", "AWS_ID=i"]), container: ["AWS_ID=image"],
      site: site)
    #expect(
      changes == [
        .set(name: "AWS_ID", value: "image"), .unset(name: "SECRET"), .unset(name: "SLURM_JWT"),
        .unset(name: "AWS_KEY"),
      ])
  }
}
