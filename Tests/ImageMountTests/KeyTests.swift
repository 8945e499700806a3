import Testing

@testable import ImageMount

@Suite struct KeyTests {
  @Test(arguments: [
    ("0::/user.slice/session-3.scope\n", "/user.slice/session-3.scope"), ("0::/\n", "/"), ("", "/"),
    (
      "0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_3\n",
      "/system.slice/slurmstepd.scope/job_7/step_0"
    ),
    ("5:memory:/slurm/uid_1/job_2/step_1/task_0\n3:cpuset:/other\n", "/slurm/uid_1/job_2/step_1"),
    ("9:name=systemd:/a\n8:freezer:/b\n0::/c\n", "/a"), ("8:freezer:/b\n7:memory:/m\n0::/c\n", "/b"),
    ("0::/with:colon/x\n", "/with:colon/x"), ("nonsense\n1:2\n", "/"),
  ])
  func `launches of a job step have one life group, whatever their task's folder`(text: String, path: String)
  {
    #expect(GroupKey.lifePath(ofCgroups: text) == path)
  }
}
