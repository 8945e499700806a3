import Foundation

/// The Apptainer of the peers, and the images that were made with it.
enum Peers {
  private static let programs = ProcessInfo.processInfo.environment["APUS_PEERS"]

  /// Whether there is one to compare with. The round with an old kernel's system calls is about Apus alone.
  static var arePresent: Bool {
    programs != nil && ProcessInfo.processInfo.environment["APUS_WRAPPER"] == nil
  }

  static func image(_ name: String) -> String { Installed.folder("APUS_PEER_IMAGES") + "/" + name }

  /// Words whose image, the first with the name of one, is written as its path.
  static func withImage(_ words: [String]) -> [String] {
    var words = words
    if let place = words.firstIndex(where: { $0.hasSuffix(".sif") || $0 == "sandbox" }) {
      words[place] = image(words[place])
    }
    return words
  }

  static func apptainer(_ words: [String], _ variables: [String: String] = [:]) throws -> Outcome {
    try Installed.execute([(programs ?? "") + "/apptainer"] + words, as: .user, environment: variables)
  }

  /// What both programs do with the same words.
  static func both(_ words: [String], _ variables: [String: String] = [:]) throws -> (
    theirs: Outcome, ours: Outcome
  ) {
    (
      try apptainer(words, variables),
      try Installed.execute([Installed.apus] + words, as: .user, environment: variables)
    )
  }

  /// The lines of `env` without what differs by intent: our own names, the prompt, and an empty element in a list of
  /// directories, which would stand for the working directory.
  static func comparable(_ environment: String) -> [String] {
    let own = ["APUS_", "PS1=", "PROMPT_COMMAND="]
    return environment.split(separator: "\n").map(String.init)
      .filter { line in !own.contains { line.hasPrefix($0) } }
      .map { $0.hasPrefix("LD_LIBRARY_PATH=") ? $0.replacingOccurrences(of: "::", with: ":") : $0 }
      .sorted()
  }

  static func object(_ json: String) throws -> NSDictionary? {
    try JSONSerialization.jsonObject(with: Data(json.utf8)) as? NSDictionary
  }
}
