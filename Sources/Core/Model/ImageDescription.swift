/// What an image says of itself in its files: labels, scripts, help, definition, applications. Builders keep the answer
/// in a SIF as `inspect-metadata.json`, and `inspect` prints it; the names and their order are Apptainer's.
public struct ImageDescription {
  private let names: (String) -> [String]
  private let text: (String) -> String?

  /// `names`: what is in a directory of the image, in any order; `text`: a file's content. Neither finds anything by
  /// failing.
  public init(names: @escaping (String) -> [String], text: @escaping (String) -> String?) {
    self.names = names
    self.text = text
  }

  public var attributes: [(String, JSON)] {
    var attributes: [(String, JSON)] = []
    let apps = names("/scif/apps").sorted().compactMap { app -> (String, JSON)? in
      let members = described(by: "/scif/apps/\(app)/scif/")
      return members.isEmpty ? nil : (app, .object(members))
    }
    if !apps.isEmpty { attributes.append(("apps", .object(apps))) }
    let image = described(by: "/.singularity.d/")
    attributes += image.filter { $0.0 != "startscript" }
    if let text = trimmed("/.singularity.d/Singularity") { attributes.append(("deffile", .string(text))) }
    attributes += image.filter { $0.0 == "startscript" }
    return attributes
  }

  /// The attributes as the object and `inspect --json` hold them.
  public static func document(_ attributes: [(String, JSON)]) -> JSON {
    .object([("data", .object([("attributes", .object(attributes))])), ("type", .string("container"))])
  }

  /// What the files of one folder say: of the image itself, or of an application in it.
  private func described(by folder: String) -> [(String, JSON)] {
    var attributes: [(String, JSON)] = []
    let scripts = names(folder + "env").filter { $0.hasPrefix("9") && $0.hasSuffix("-environment.sh") }
    let environment = scripts.sorted().compactMap { name in
      trimmed(folder + "env/" + name).map { (folder + "env/" + name, JSON.string($0)) }
    }
    if !environment.isEmpty { attributes.append(("environment", .object(environment))) }
    let labels = text(folder + "labels.json").flatMap { try? JSON(parsing: Array($0.utf8)) }
    if let labels, !labels.members.isEmpty { attributes.append(("labels", labels)) }
    for (name, file) in [
      ("runscript", "runscript"), ("test", "test"), ("helpfile", "runscript.help"),
      ("startscript", "startscript"),
    ] {
      if let text = trimmed(folder + file) { attributes.append((name, .string(text))) }
    }
    return attributes
  }

  /// A file without the newlines at its end; nil for one with nothing in it.
  private func trimmed(_ path: String) -> String? {
    guard var text = text(path)?[...] else { return nil }
    while text.hasSuffix("\n") { text.removeLast() }
    return text.isEmpty ? nil : String(text)
  }
}
