import Foundation
import Testing

/// What servers leave in the runtime directory: nothing. One group a job step would pile up.
@Suite(.serialized) struct GroupFolderTests {
  static let uid = "54323"
  static let runtime = "/tmp/apus-54323"

  static func launch(linger: String) throws -> Outcome {
    try Installed.execute(
      [
        "/usr/bin/setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", Installed.apus, "exec",
        Installed.image("tiny.sif"), "true",
      ], as: .root, environment: ["APUS_MOUNT_LINGER": linger])
  }

  static func groups() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: runtime)) ?? []
    return names.filter { $0 != "user" }.sorted()
  }

  @Test func `a group's folder goes with its last server`() throws {
    defer { try? FileManager.default.removeItem(atPath: Self.runtime) }
    for _ in 0..<3 {
      let outcome = try Self.launch(linger: "0.1")
      #expect(outcome.code == 0 && outcome.err.isEmpty, "\(outcome.err)")
      #expect(SharedMountTests.wait(seconds: 5) { Self.groups().isEmpty }, "\(Self.groups())")
    }
  }

  @Test func `what a killed server left goes after a day, with the next server that leaves`() throws {
    defer { try? FileManager.default.removeItem(atPath: Self.runtime) }
    for name in ["old", "young"] {
      #expect(try Self.launch(linger: "60").code == 0)
      _ = try Installed.execute(["/usr/bin/pkill", "-KILL", "-u", Self.uid], as: .root)
      usleep(100_000)
      let group = try #require(Self.groups().first { $0.count == 32 })
      rename(Self.runtime + "/" + group, Self.runtime + "/" + name)
    }
    _ = try Installed.execute(["/usr/bin/touch", "-d", "2 days ago", Self.runtime + "/old"], as: .root)
    #expect(try Self.launch(linger: "0.1").code == 0)
    #expect(SharedMountTests.wait(seconds: 5) { Self.groups() == ["young"] }, "\(Self.groups())")
  }

  @Test func `launches that come and go while folders do lose none`() throws {
    defer { try? FileManager.default.removeItem(atPath: Self.runtime) }
    let script = """
      for j in 1 2 3 4; do (for i in $(seq 40); do \(Installed.apus) exec \(Installed.image("tiny.sif")) true \
      || exit 1; done) & done
      for job in $(jobs -p); do wait $job || exit 1; done
      """
    let outcome = try Installed.execute(
      [
        "/usr/bin/setpriv", "--reuid", Self.uid, "--regid", Self.uid, "--clear-groups", "/bin/bash", "-c",
        script,
      ], as: .root, environment: ["APUS_MOUNT_LINGER": "0"])
    #expect(outcome.code == 0 && outcome.err.isEmpty, "\(outcome.err)")
  }
}
