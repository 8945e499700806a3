import Foundation
import Testing

/// The house rules of docs/contributing/structure.md that can be read off the sources.
@Suite struct ImportTests {
  /// Rooms of the launch path in their order: each may import only those before it.
  static let launchPath = [
    "Model", "Linux", "Codec", "SIF", "Ext", "Squashfs", "ImageServer", "Settings", "ImageMount", "Launch",
    "Engine",
  ]
  /// Rooms of image work, above all of those.
  static let imageRooms = [
    "Tree", "Content", "Reference", "HTTP", "Registry", "Cache", "Layers", "SquashfsWriter", "Segments",
    "CallFilter", "Conversion",
  ]
  /// Rooms of job steps, each with what it may import.
  static let stepRooms = [
    (room: "StepOptions", imports: ["Model", "Settings", "Launch", "NodeCache"]),
    (room: "StepJoin", imports: ["Model", "Linux", "Glibc"]),
    (room: "NodeCache", imports: ["Model", "Linux", "Glibc"]),
    (room: "PluginStamp", imports: ["Model"]),
    (room: "NodeSetup", imports: ["Model", "PluginStamp", "StepOptions"]),
    (room: "Staging", imports: ["Model", "Linux", "Glibc", "Synchronization", "Content", "NodeCache"]),
  ]
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func imports(of folder: String) throws -> [(file: String, module: String)] {
    let directory = root.appendingPathComponent("Sources/\(folder)")
    let files =
      FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)?
      .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" } ?? []
    #expect(!files.isEmpty, "no sources in \(folder)")
    return try files.flatMap { file in
      try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        guard let place = words.firstIndex(of: "import"), place <= 1, place + 1 < words.count else {
          return nil
        }
        return (file.lastPathComponent, String(words[place + 1]))
      }
    }
  }

  @Test(arguments: launchPath) func `a room of the launch path imports only rooms before it`(room: String)
    throws
  {
    let before = Set(Self.launchPath.prefix { $0 != room })
    let libraries: Set = ["Glibc", "Synchronization", "CLinux", "CDeflate", "CZstd", "CLZ4", "CLZMA", "CLZO"]
    for (file, module) in try Self.imports(of: "Core/\(room)") {
      #expect(before.contains(module) || libraries.contains(module), "\(room)/\(file) imports \(module)")
    }
  }

  @Test(arguments: imageRooms) func `a room of image work imports no room of the launch beside it`(
    room: String
  ) throws {
    let barred: Set = ["ImageServer", "ImageMount", "Launch", "Engine", "CommandLine"]
    for (file, module) in try Self.imports(of: "Image/\(room)") {
      #expect(!barred.contains(module), "\(room)/\(file) imports \(module)")
    }
  }

  @Test(arguments: stepRooms) func `a room of job steps imports what its row names`(
    room: String, imports: [String]
  ) throws {
    for (file, module) in try Self.imports(of: "Slurm/\(room)") {
      #expect(imports.contains(module), "\(room)/\(file) imports \(module)")
    }
  }

  @Test func `bundles are read without a look at the host, and containers kept without a launch`() throws {
    for (file, module) in try Self.imports(of: "OCI/Bundle") {
      #expect(module == "Model", "Bundle/\(file) imports \(module)")
    }
    for (file, module) in try Self.imports(of: "OCI/Containers") {
      #expect(
        ["Glibc", "Model", "Linux", "ImageMount", "Bundle"].contains(module),
        "Containers/\(file) imports \(module)")
    }
  }

  @Test func `the command line imports nothing of ours`() throws {
    for (file, module) in try Self.imports(of: "CommandLine") {
      #expect(!Self.launchPath.contains(module), "\(file) imports \(module)")
    }
  }

  @Test func `the diagnosis is pure: it imports values and sentences, and not what looks at the node`() throws
  {
    for (file, module) in try Self.imports(of: "cli/Doctor") {
      #expect(["Model", "Linux", "PluginStamp"].contains(module), "Doctor/\(file) imports \(module)")
    }
  }

  @Test func `the launcher imports neither Foundation nor Dispatch`() throws {
    for (file, module) in try Self.imports(of: "cli/apus") {
      #expect(
        !["Foundation", "FoundationEssentials", "Dispatch"].contains(module), "\(file) imports \(module)")
    }
  }

  @Test func `namespaces, mounts and programs are changed in the engine and the image mount only`() throws {
    let calls = [
      "Namespace.unshare(", "Namespace.enter(", "Mount.pivot(", "Process.become(", "Mount.attach(",
      "Rights.take(",
    ]
    let allowed = ["Core/Linux", "Core/Engine", "Core/ImageMount"]
    let sources = Self.root.appendingPathComponent("Sources")
    let files =
      FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)?
      .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" } ?? []
    for file in files where !allowed.contains(where: { file.path.contains("Sources/\($0)/") }) {
      // doctor tries in a child what a launch would do.
      if file.path.contains("/Doctor/") { continue }
      // Each of the two programs becomes the other; `slurm stage` becomes srun.
      let becoming = [
        "ImageProgram.swift", "LaunchCommand.swift", "SlurmStage.swift", "StepImageFile.swift",
        "NodeStaging.swift",
      ]
      if becoming.contains(file.lastPathComponent) { continue }
      let text = try String(contentsOf: file, encoding: .utf8)
      for call in calls { #expect(!text.contains(call), "\(file.lastPathComponent) calls \(call))") }
    }
  }
}
