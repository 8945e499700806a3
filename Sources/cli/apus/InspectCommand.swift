internal import CommandLine
internal import Glibc
internal import ImageMount
internal import Linux
internal import Model
internal import SIF
internal import Squashfs

/// `apus inspect`: what an image says of itself. Reads the file; starts nothing and mounts nothing.
func runInspect(_ parsed: Parsed, _ output: Output) -> Int32 {
  let current = (try? File.target(ofLink: "/proc/self/cwd")) ?? "/"
  let image: ImageFile
  do throws(ImageFault) { image = try ImageFile.open(parsed.operands[0], base: current) } catch {
    return output.fatal(error.explanation)
  }
  let attributes: [(String, JSON)]
  do throws(ImageFault) { attributes = try inspection(of: image) } catch { return output.fatal(error.explanation) }
  var wanted = sections.filter { parsed.isOn($0.option) }.map(\.attribute)
  if parsed.isOn("all") { wanted = sections.map(\.attribute) }
  if wanted.isEmpty { wanted = ["labels"] }
  if parsed.isOn("json") || parsed.isOn("all") {
    let shown = attributes.filter { wanted.contains($0.0) }
    output.result(
      JSON.object([("data", .object([("attributes", .object(shown))])), ("type", .string("container"))])
        .text(indented: true) + "\n")
    return 0
  }
  for name in wanted {
    guard let value = attributes.last(where: { $0.0 == name })?.1 else {
      if name != "labels" { output.notice(Notice(.info, "the image has no \(name)")) }
      continue
    }
    switch value {
    case .string(let text): output.result(lines(text))
    case .object(let members) where name == "labels":
      for (label, value) in members { output.result("\(printable(label)): \(printable(value.text ?? ""))\n") }
    case .object(let members):
      for (path, value) in members { output.result("=== \(printable(path)) ===\n" + lines(value.text ?? "")) }
    default: break
    }
  }
  return 0
}

private let sections: [(option: String, attribute: String)] = [
  ("labels", "labels"), ("deffile", "deffile"), ("runscript", "runscript"), ("startscript", "startscript"),
  ("test", "test"), ("environment", "environment"), ("helpfile", "helpfile"),
]

/// Text of an image, line by line safe to print.
private func lines(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map {
    $0.split(separator: "\t", omittingEmptySubsequences: false).map { printable(String($0)) }.joined(separator: "\t")
  }.joined(separator: "\n") + (text.hasSuffix("\n") ? "" : "\n")
}

/// The attributes: from the object that builders leave in a SIF, else from the files of the image.
private func inspection(of image: ImageFile) throws(ImageFault) -> [(String, JSON)] {
  if image.isSIF, let stored = try? storedInspection(image) { return stored }
  let home = "/.singularity.d/"
  let files = try ImageFiles(image)
  var attributes: [(String, JSON)] = []
  func add(_ name: String, _ path: String) {
    if let text = files.text(home + path) { attributes.append((name, .string(text))) }
  }
  add("deffile", "Singularity")
  let scripts = files.names(home + "env").filter { $0.hasSuffix(".sh") }.sorted().compactMap { name in
    files.text(home + "env/" + name).map { (home + "env/" + name, JSON.string($0)) }
  }
  attributes.append(("environment", .object(scripts)))
  add("helpfile", "runscript.help")
  let labels = files.text(home + "labels.json").flatMap { try? JSON(parsing: Array($0.utf8)) }
  attributes.append(("labels", labels ?? .object([])))
  for name in ["runscript", "startscript", "test"] { add(name, name) }
  return attributes
}

private func storedInspection(_ image: ImageFile) throws(SIFFault) -> [(String, JSON)]? {
  let sif = try SIFFile.read(descriptor: image.descriptor, size: image.facts.size)
  guard let object = sif.descriptors.first(where: { $0.type == .genericJSON && $0.name == "inspect-metadata.json" })
  else { return nil }
  let bytes = try sif.contents(of: object, descriptor: image.descriptor, limit: 16 << 20)
  let attributes = (try? JSON(parsing: bytes))?["data"]?["attributes"]
  return attributes?.members
}

/// Files of an image read without mounting it.
private struct ImageFiles {
  private enum Source {
    case squashfs(SquashfsImage)
    case directory(Int32)
  }
  private let source: Source
  private static let most = 16 << 20

  init(_ image: ImageFile) throws(ImageFault) {
    switch image.kind {
    case .sandbox: source = .directory(image.descriptor)
    case .squashfs(let offset, let size):
      do throws(SquashfsFault) {
        source = .squashfs(try SquashfsImage(descriptor: image.descriptor, offset: offset, length: size))
      } catch { throw .squashfs(path: image.path, error) }
    }
  }

  func names(_ path: String) -> [String] {
    switch source {
    case .directory(let root):
      guard let directory = try? BeneathRoot.open(path, O_RDONLY | O_DIRECTORY, root: root) else { return [] }
      return (try? File.names(in: directory)) ?? []
    case .squashfs(let image):
      guard let inode = find(path, image), let entries = try? image.entries(of: inode) else { return [] }
      return entries.map { String(decoding: $0.name, as: UTF8.self) }
    }
  }

  func text(_ path: String) -> String? {
    switch source {
    case .directory(let root):
      guard let file = try? BeneathRoot.open(path, O_RDONLY | O_NONBLOCK, root: root),
        (try? File.facts(file))?.kind == .file, let bytes = try? File.readAll(file, limit: Self.most)
      else { return nil }
      return String(decoding: bytes, as: UTF8.self)
    case .squashfs(let image):
      guard let inode = find(path, image), inode.kind == .file, inode.size <= Self.most,
        let bytes = try? image.contents(of: inode)
      else { return nil }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  private func find(_ path: String, _ image: SquashfsImage) -> Inode? {
    guard var inode = try? image.inode(image.root) else { return nil }
    for name in ContainerPath.components(path) {
      guard let entry = try? image.lookup(Array(name.utf8), in: inode), let next = try? image.inode(of: entry) else {
        return nil
      }
      inode = next
    }
    return inode
  }
}
