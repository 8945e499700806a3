import Testing

@testable import Bundle

@Suite struct StepFilesTests {
  static let spool = "/var/spool/slurmd-n1/step"
  /// true: a directory.
  static let host: [String: Bool] = [
    spool: true, "/var/spool/slurmd-n1/job00007/slurm_script": false, "/var/spool/slurmd-n1/pmix.7.0": true,
    spool + "/pmix.7.0": true, "/usr/bin/env": false, "/var/spool/slurmd-n1": true,
  ]

  @Test(
    arguments: [
      ("/var/spool/slurmd-n1/job00007/slurm_script", spool, true),
      ("/var/spool/slurmd-n1/job00007/slurm_script", nil, true),
      ("/var/spool/slurmd-n1/job00007/missing", spool, false), ("/usr/bin/env", spool, false),
      ("slurm_script", nil, false), ("/var/spool/slurmd-n1", spool, false), (nil, spool, false),
    ] as [(String?, String?, Bool)])
  func `the script of a batch step is shown read-only where it is`(
    program: String?, spool: String?, isShown: Bool
  ) {
    let binds = StepFiles.binds(program: program, spool: spool, serverFolder: nil) { Self.host[$0] }
    let expected = program.map { [Bundle.Bind(source: $0, target: $0, isWritable: false)] } ?? []
    #expect(binds == (isShown ? expected : []))
  }

  @Test(
    arguments: [
      // The step's directory, where clients find what they look for.
      (spool + "/pmix.7.0", spool, spool, spool),
      (spool + "/pmix.7.0/", spool, spool, spool),
      // Beside it, at its own place.
      (
        "/var/spool/slurmd-n1/pmix.7.0", spool, "/var/spool/slurmd-n1/pmix.7.0",
        "/var/spool/slurmd-n1/pmix.7.0"
      ),
      (
        "/var/spool/slurmd-n1/pmix.7.0", nil, "/var/spool/slurmd-n1/pmix.7.0", "/var/spool/slurmd-n1/pmix.7.0"
      ),
      // MountSpoolDir: inside it is elsewhere.
      ("/run/slurm/pmix.7.0/", spool, spool + "/pmix.7.0", "/run/slurm/pmix.7.0"),
      ("/run/slurm/pmix.8.0/", spool, nil, nil), ("relative", spool, nil, nil), (nil, spool, nil, nil),
    ] as [(String?, String?, String?, String?)])
  func `the directory of the PMIx server is shown where its clients look`(
    variable: String?, spool: String?, source: String?, target: String?
  ) {
    let binds = StepFiles.binds(program: nil, spool: spool, serverFolder: variable) { Self.host[$0] }
    #expect(binds.first?.source == source && binds.first?.target == target)
    #expect(!binds.contains { !$0.isWritable })
  }

  @Test func `the script that Slurm shows below /tmp is shown at its own place instead`() {
    let binds: [Bundle.Bind] = [
      .init(source: "/spool/job1/slurm_script", target: "/tmp/slurm/startup", isWritable: false),
      .init(source: "/spool/out", target: "/tmp/slurm/stdout", isWritable: true),
      .init(source: "/data", target: "/data", isWritable: true),
    ]
    let changed = StepFiles.withoutBatchFolder(binds, program: "/tmp/slurm/startup")
    #expect(changed.binds == [binds[2]])
    #expect(changed.program == "/spool/job1/slurm_script")
    let kept = StepFiles.withoutBatchFolder([binds[2]], program: "/data")
    #expect(kept.binds == [binds[2]] && kept.program == "/data")
  }
}
