internal import Model
internal import Tree

/// The object `inspect-metadata.json` of a SIF: what `inspect --all` answers, so that nobody has to start the container.
enum InspectMetadata {
  static let objectName = "inspect-metadata.json"

  static func json(of tree: Tree) -> String {
    let description = ImageDescription(
      names: { path in
        (tree.find(path).map { tree.entries(of: $0) } ?? []).map { String(decoding: $0.name, as: UTF8.self) }
      }, text: { tree.text(at: $0) })
    return ImageDescription.document(description.attributes).text() + "\n"
  }
}
