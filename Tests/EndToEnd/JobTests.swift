import Foundation
import Testing

/// What jobs and their steps have of an image mount: servers of their own, which end with them.
@Suite(.serialized) struct JobTests {
  private static func holder(_ image: String, job: String, step: String = "0", _ options: [String] = [])
    throws -> Running
  {
    let program = try Running(
      [Installed.apus, "exec"] + options + [image, "sh", "-c", "echo here; read word"],
      environment: ["SLURM_JOB_ID": job, "SLURM_STEP_ID": step])
    #expect(program.line() == "here")
    return program
  }

  @Test
  func `in a job step the server goes with the last program, without a linger`() throws {
    try SharedMountTests.withImage { image in
      let first = try Self.holder(image, job: "71")
      let second = try Self.holder(image, job: "71")
      let servers = SharedMountTests.servers(of: image)
      #expect(servers.count == 1)
      _ = try first.finish()
      usleep(100_000)
      #expect(SharedMountTests.servers(of: image) == servers)
      let ended = Date()
      _ = try second.finish()
      #expect(SharedMountTests.wait(seconds: 4) { SharedMountTests.servers(of: image).isEmpty })
      // A linger would be 5 s. How soon it is gone to the millisecond: bench/share.
      #expect(Date().timeIntervalSince(ended) < 2)
    }
  }

  @Test(
    arguments: [("71", "0", "72", "0", 2), ("71", "0", "71", "1", 2), ("71", "0", "71", "0", 1)])
  func `two jobs, and two steps of a job, have two servers, and one step has one`(
    job: String, step: String, otherJob: String, otherStep: String, servers: Int
  ) throws {
    try SharedMountTests.withImage { image in
      let one = try Self.holder(image, job: job, step: step)
      let other = try Self.holder(image, job: otherJob, step: otherStep)
      #expect(SharedMountTests.servers(of: image).count == servers)
      for program in [one, other] { _ = try program.finish() }
    }
  }

  /// Tests/Support/attach.c in a container of `image`.
  private static func attach(_ words: [String], _ image: String, _ options: [String] = []) throws -> Running {
    try Running(
      [Installed.apus, "exec"] + options
        + ["--bind", Installed.support("attach") + ":/mnt/attach", image, "/mnt/attach"] + words)
  }

  @Test func `programs of two launches of an image reach into each other's memory, as MPI ranks do`() throws {
    try SharedMountTests.withImage { image in
      let rank = try Self.attach(["hold", "from the other rank"], image)
      let place = rank.line().split(separator: " ").map(String.init)
      #expect(place.first == "\(rank.pid)" && place.count == 2)
      let reader = try Self.attach(["read"] + place, image)
      #expect(reader.line() == "from the other rank")
      #expect(try reader.finish().code == 0)
      // The shared user namespace is what allows it: a launch with one of its own may not.
      let stranger = try Self.attach(["read"] + place, image, ["--no-shared-mount"])
      let refused = try stranger.finish()
      #expect(refused.code == 1 && refused.err.contains("not permitted"), "\(refused.out)\(refused.err)")
      _ = try rank.finish()
    }
  }
}
