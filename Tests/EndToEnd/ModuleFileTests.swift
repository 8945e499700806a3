import Foundation
import Testing

/// The modulefile that is installed, read by Environment Modules.
@Suite struct ModuleFileTests {
  private static func bash(_ script: String, modules: String) throws -> Outcome {
    let load = "eval \"$(/usr/bin/modulecmd bash load apus)\"\n"
    return try Installed.execute(
      ["/bin/bash", "--norc", "-c", load + script], as: .user, environment: ["MODULEPATH": modules])
  }

  @Test func `a module makes the program, its pages and its completions available`() throws {
    let tree = Installed.folder("APUS_TREE")
    let loaded = try Self.bash(
      "command -v apus; echo $MANPATH; echo $XDG_DATA_DIRS; echo ${FPATH-none}",
      modules: tree + "/share/modulefiles")
    #expect(
      loaded.line == "\(tree)/bin/apus\n\(tree)/share/man:\n\(tree)/share:/usr/local/share:/usr/share\nnone",
      "\(loaded.out)\(loaded.err)")
    for path in ["share/man/man1/apus.1", "share/bash-completion/completions/apus"] {
      #expect(FileManager.default.fileExists(atPath: tree + "/" + path))
    }
    let unloaded = try Self.bash(
      "eval \"$(/usr/bin/modulecmd bash unload apus)\"; command -v apus; echo ${MANPATH-none}",
      modules: tree + "/share/modulefiles")
    #expect(unloaded.line == "none", "\(unloaded.out)\(unloaded.err)")
  }

  @Test func `a module without its program says what to write where`() throws {
    try Installed.withFolder { folder in
      try Installed.write(
        Data(contentsOf: URL(fileURLWithPath: Installed.folder("APUS_TREE") + "/share/modulefiles/apus")),
        to: folder + "/apus")
      let outcome = try Self.bash("command -v apus", modules: folder)
      #expect(
        outcome.code == 1 && outcome.err.contains("write the prefix of the installation"), "\(outcome.err)")
    }
  }
}
