import Content
import HTTP
import Loopback
import Reference
import Synchronization

@testable import Registry

/// A clock that moves only when somebody sleeps, so that no test waits.
final class SleepClock: Sendable {
  private let now = Mutex(1000.0)

  var slept: Double { now.withLock { $0 } - 1000 }

  func advance(_ seconds: Double) { now.withLock { $0 += seconds } }

  var timing: Timing {
    Timing(
      monotonic: { self.now.withLock { $0 } }, wall: { 784_111_777 + Int(self.slept) },
      sleep: { self.advance($0) }, random: { 0.5 })
  }
}

/// A client of servers on loopback ports.
func asking(
  _ hosts: [String], _ clock: SleepClock = SleepClock(), tag: String? = "latest", digest: Digest? = nil,
  credential: Credential? = nil, progress: TransferProgress? = nil
) -> RegistryClient {
  var options = RegistryOptions(agent: "apus/test", progress: progress, timing: clock.timing)
  options.refillSize = 100_000
  return RegistryClient(
    endpoints: hosts.map { Endpoint(host: $0, repository: "team/tool") },
    reference: ImageReference(registry: hosts.last ?? "", repository: "team/tool", tag: tag, digest: digest),
    options: options
  ) { _ in credential }
}

/// A manifest that names no layers.
let smallManifest = #"{"schemaVersion":2,"mediaType":"\#(ManifestMedia.manifest)","layers":[]}"#

func manifestReply(_ text: String = smallManifest, type: String = ManifestMedia.manifest) -> Reply {
  Reply(
    headers: [
      ("Content-Type", type), ("Docker-Content-Digest", Digest.of(Array(text.utf8)).text),
    ], body: Array(text.utf8))
}

/// The fault that a piece of work throws, nil where it throws none.
func fault(_ body: () throws(RegistryFault) -> Void) -> RegistryFault? {
  do throws(RegistryFault) { try body() } catch { return error }
  return nil
}
