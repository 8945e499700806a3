import Foundation
import Testing

extension Registry {
  /// The services are there, and this is not the round with an old kernel's system calls: what is about
  /// `apus-image` alone is shown once.
  static var isTested: Bool { isPresent && !Installed.isOldKernel }

  /// The digests and sizes of the layers of an image, from the lowest.
  static func layers(_ layout: String) throws -> [(digest: String, size: Int)] {
    let blob = Self.layout(layout) + "/blobs/sha256/" + (try digest(layout)).dropFirst("sha256:".count)
    let object = try Peers.object(String(contentsOfFile: blob, encoding: .utf8))
    let layers = try #require(object?["layers"] as? [[String: Any]])
    return try layers.map { (try #require($0["digest"] as? String), try #require($0["size"] as? Int)) }
  }

  /// Pushes a layout under a name that no other test knows: PREFIX-…/image.
  static func pushed(_ layout: String, _ prefix: String = "one") throws -> String {
    let repository = "\(prefix)-\(UUID().uuidString.lowercased())/image"
    try push(layout, to: repository + ":latest")
    return repository
  }

  /// What a registry of a form was asked about a repository.
  static func requests(_ form: Form, about repository: String) throws -> [String] {
    try requests(form).filter { $0.contains(repository) }
  }
}

/// Somebody who uses registries, with a cache, settings and credentials of their own.
struct RegistryCaller {
  let folder: String
  let caller: Caller

  static func with<T>(_ caller: Caller = .user, _ body: (RegistryCaller) throws -> T) throws -> T {
    try Installed.withFolder { folder in
      let us = RegistryCaller(folder: folder, caller: caller)
      try us.write("", to: "tag-ttl-0.conf", content: "tag ttl = 0\n")
      return try body(us)
    }
  }

  var cache: String { folder + "/cache" }
  /// For --config: every run asks what the tag points to.
  var alwaysAsks: String { folder + "/tag-ttl-0.conf" }

  var environment: [String: String] {
    [
      "APUS_CACHEDIR": cache, "APUS_CONFIGDIR": folder + "/config", "XDG_CONFIG_HOME": folder + "/xdg",
      "DOCKER_CONFIG": folder + "/docker", "APPTAINER_CONFIGDIR": folder + "/apptainer",
    ]
  }

  func apus(_ words: String..., environment: [String: String] = [:], input: String? = nil) throws -> Outcome {
    try execute([Installed.apus] + words, environment: environment, input: input)
  }

  func execute(_ words: [String], environment: [String: String] = [:], input: String? = nil) throws -> Outcome
  {
    try Installed.execute(
      words, as: caller, environment: self.environment.merging(environment) { $1 }, directory: folder,
      input: input)
  }

  /// `apus pull WORDS OUT docker://REFERENCE`, where OUT is replaced.
  func pull(
    _ reference: String, _ words: String..., to name: String = "pulled.sif",
    environment: [String: String] = [:],
    input: String? = nil
  ) throws -> Outcome {
    let text = reference.contains("://") ? reference : "docker://" + reference
    return try execute(
      [Installed.apus, "pull", "--force"] + words + [name, text], environment: environment, input: input)
  }

  func start(_ words: String..., environment: [String: String] = [:]) throws -> Running {
    try Running(
      [Installed.apus] + words, as: caller, environment: self.environment.merging(environment) { $1 },
      directory: folder)
  }

  func path(_ name: String) -> String { folder + "/" + name }
  func text(_ name: String) -> String? { try? String(contentsOfFile: path(name), encoding: .utf8) }
  func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }

  /// A file of the caller's own.
  func write(_ directory: String, to name: String, content: String, mode: mode_t = 0o644) throws {
    let place = directory.isEmpty ? folder : path(directory)
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try Data(content.utf8).write(to: URL(fileURLWithPath: place + "/" + name))
    chmod(place + "/" + name, mode)
    if caller == .user {
      let outcome = try Installed.execute(
        ["/usr/bin/chown", "-R", "apus-test:", directory.isEmpty ? place + "/" + name : path(directory)],
        as: .root)
      #expect(outcome.code == 0)
    }
  }

  /// What the cache holds of a kind.
  func cached(_ kind: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: cache + "/" + kind)) ?? []).sorted()
  }
}
