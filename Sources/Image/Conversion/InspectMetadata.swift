internal import Model
internal import Tree

/// The object `inspect-metadata.json` of a SIF: what `inspect --all` answers, so that nobody has to start the container.
enum InspectMetadata {
  static let objectName = "inspect-metadata.json"

  static func json(of tree: Tree) -> String {
    let home = "/.singularity.d/"
    var attributes: [(String, JSON)] = []
    func add(_ name: String, _ path: String) {
      if let text = tree.text(at: home + path) { attributes.append((name, .string(text))) }
    }
    add("deffile", "Singularity")
    let environment = (tree.find(home + "env").map { tree.entries(of: $0) } ?? []).compactMap { entry in
      let path = home + "env/" + String(decoding: entry.name, as: UTF8.self)
      return tree.text(at: path).map { (path, JSON.string($0)) }
    }
    attributes.append(("environment", .object(environment)))
    add("helpfile", "runscript.help")
    let labels = tree.text(at: home + "labels.json").flatMap(parseLabels) ?? []
    attributes.append(("labels", .object(labels.map { ($0.name, .string($0.value)) })))
    add("runscript", "runscript")
    add("startscript", "startscript")
    add("test", "test")
    return JSON.object([
      ("data", .object([("attributes", .object(attributes))])), ("type", .string("container")),
    ]).text() + "\n"
  }
}
