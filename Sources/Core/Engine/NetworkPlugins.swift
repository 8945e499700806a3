internal import Glibc
internal import Linux
internal import Model

/// Has plugins connect a container to networks of the site, and disconnect it again (CNI specification 1.0, sections 2
/// and 3): in their order, and in the reverse of it.
struct NetworkPlugins {
  private let network: PluginNetwork
  /// A path of the network namespace, for the plugins.
  private let namespace: String
  private let container: String
  /// What the last plugin of each attachment has answered.
  private var results: [JSON?]

  /// How long a plugin may take, in seconds: one of them waits for a DHCP server.
  private static let patience = 60

  /// `namespace` stays open for as long as this process lives.
  init(_ network: PluginNetwork, namespace: Int32) {
    self.network = network
    let process = (try? File.target(ofLink: "/proc/self")) ?? "\(getpid())"
    self.namespace = "/proc/\(process)/fd/\(namespace)"
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    // Not by the number of the process alone: plugins keep files by this name, and one may be left of an earlier process.
    container = "apus-\(process)-\(now.tv_sec)\(now.tv_nsec)"
    results = network.attachments.map { _ in nil }
  }

  /// Connects all, or nothing.
  mutating func add() throws(NetworkFailure) {
    for (number, attachment) in network.attachments.enumerated() {
      do throws(NetworkFailure) {
        for plugin in attachment.plugins {
          results[number] = try add(plugin, attachment, after: results[number])
        }
      } catch {
        // That of which only a part was made too: plugins are told to remove what is not there (section 2, DEL).
        remove(upTo: number)
        throw error
      }
    }
  }

  private func add(
    _ plugin: NetworkPlugin, _ attachment: NetworkAttachment, after result: JSON?
  ) throws(NetworkFailure) -> JSON {
    func failure(_ message: String) -> NetworkFailure {
      .plugin(plugin.type, network: attachment.name, message: message)
    }
    let answer: (code: Int32, bytes: [UInt8])
    do throws(SystemCallFault) { answer = try run("ADD", plugin, attachment, result) } catch {
      let text = error.explanation
      throw failure(
        error.number == ETIMEDOUT ? "nothing, for \(Self.patience) seconds" : "\(text.what): \(text.why)")
    }
    let json = try? JSON(parsing: answer.bytes)
    guard answer.code == 0 else {
      // {"code": 7, "msg": "…", "details": "…"}
      let words = [json?["msg"]?.text, json?["details"]?.text].compactMap { $0 }.filter { !$0.isEmpty }
      let text = words.isEmpty ? answer.bytes : Array(words.connected(by: ": ").utf8)
      let line = NetworkFailure.line(text)
      throw failure(line.isEmpty ? "nothing, and ended with code \(answer.code)" : line)
    }
    guard let json, case .object = json else { throw failure("what is no result") }
    return json
  }

  /// Disconnects all. What a plugin cannot remove is no concern of the others.
  func remove() { remove(upTo: network.attachments.count - 1) }

  private func remove(upTo last: Int) {
    for number in (0...last).reversed() {
      let attachment = network.attachments[number]
      for plugin in attachment.plugins.reversed() {
        _ = try? run("DEL", plugin, attachment, attachment.keepsResult ? results[number] : nil)
      }
    }
  }

  private func run(
    _ command: String, _ plugin: NetworkPlugin, _ attachment: NetworkAttachment, _ result: JSON?
  ) throws(SystemCallFault) -> (code: Int32, bytes: [UInt8]) {
    let previous: [(String, JSON)] = result.map { [("prevResult", $0)] } ?? []
    return try Process.output(
      of: plugin.program, [],
      environment: [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "CNI_COMMAND=\(command)",
        "CNI_CONTAINERID=\(container)", "CNI_NETNS=\(namespace)", "CNI_IFNAME=\(attachment.interface)",
        "CNI_ARGS=\(attachment.arguments)", "CNI_PATH=\(network.searchPath)",
      ],
      input: Array(JSON.object(plugin.configuration.members + previous).text().utf8), limit: 1 << 20,
      seconds: Self.patience)
  }
}
