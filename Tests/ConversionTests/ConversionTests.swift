import Glibc
import Linux
import Model
import SIF
import Testing
import Tree

@testable import Conversion

/// A folder of its own, gone with the value.
private final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/apus-convert-XXXXXX".utf8CString)
    _ = try #require(mkdtemp(&template))
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { _ = system("chmod -R u+rwX '\(path)'; rm -rf '\(path)'") }

  func run(_ lines: String) -> String {
    _ = system("cd '\(path)' && (\(lines)\n) >log 2>&1")
    return String(decoding: (try? File.readAll(path + "/log", limit: 1 << 20)) ?? [], as: UTF8.self)
  }

  /// A root file system of every kind of object an ordinary user can make.
  func makeRoot() {
    _ = run(
      """
      mkdir -p root/usr/bin root/etc 'root/odd name\n'
      printf '#!/bin/sh\n' > root/usr/bin/sh; chmod 4755 root/usr/bin/sh; ln root/usr/bin/sh root/usr/bin/dash
      ln -s usr/bin root/bin; mkfifo root/pipe; truncate -s 700000 root/hole; seq 1 90000 > root/numbers
      cp root/numbers root/again; printf hello > root/etc/hosts; setfattr -n user.a -v b root/numbers || true
      [ $(id -u) = 0 ] && mknod root/null c 1 3 && chown 12:34 root/pipe
      find root -exec touch -h -d @1234567 {} +
      """)
  }

  /// All facts of a tree as text, one line an object, contents by their checksum.
  func listing(_ name: String) -> String {
    run(
      """
      cd \(name) && find . ! -type d -printf '%P %y %m %U %G %Ts %n %s %l\\n' | sort
      find . -type d -printf '%P %m %U %G %Ts\\n' | sort; find . -type f -exec cksum {} + | sort
      """)
  }
}

private func exists(_ command: String) -> Bool { system("command -v \(command) >/dev/null 2>&1") == 0 }

@Suite struct BuildTests {
  private let folder: Folder
  private let sif: String

  init() throws {
    folder = try Folder()
    folder.makeRoot()
    sif = folder.path + "/new.sif"
  }

  private func build() throws { _ = try SIFBuild.make(sif, from: folder.path + "/root", SIFBuild.Options()) }

  /// The SIF and, in `complete`, what our unpacking makes of it.
  private func complete() throws {
    try build()
    _ = try Sandbox.make(folder.path + "/complete", fromImage: sif, replaces: false)
  }

  @Test func `a directory comes back from its SIF as it was`() throws {
    try build()
    _ = try Sandbox.make(folder.path + "/back", fromImage: sif, replaces: false)
    let wanted = folder.listing("root").split(separator: "\n")
    let found = Set(folder.listing("back").split(separator: "\n"))
    #expect(wanted.count > 20)
    // The root's own entry count differs; its facts do not.
    #expect(wanted.filter { !found.contains($0) } == [])
    #expect(
      folder.run("readlink back/.run; stat -c %a back/tmp; ls back/.singularity.d/actions | tr '\\n' ' '")
        == ".singularity.d/actions/run\n1777\nexec run shell start test ")
  }

  @Test(.enabled(if: exists("unsquashfs"), "needs squashfs-tools"))
  func `unsquashfs sees what our unpacking sees`() throws {
    try complete()
    _ = folder.run("unsquashfs -q -n -o $(grep -abo hsqs new.sif | head -1 | cut -d: -f1) -d other new.sif")
    #expect(folder.listing("other") == folder.listing("complete"))
  }

  @Test(.enabled(if: geteuid() == 0 && access("/dev/loop-control", F_OK) == 0, "needs root and loop devices"))
  func `the kernel sees what our unpacking sees`() throws {
    try complete()
    let said = folder.run(
      """
      mkdir kernel && mount -t squashfs -o ro,loop,offset=$(grep -abo hsqs new.sif | head -1 | cut -d: -f1) new.sif kernel
      """)
    defer { _ = folder.run("umount kernel") }
    #expect(said == "")
    #expect(folder.listing("kernel") == folder.listing("complete"))
  }

  @Test func `the same directory gives the same file, and a copy of the file too`() throws {
    try build()
    _ = try SIFBuild.make(folder.path + "/second.sif", from: folder.path + "/root", SIFBuild.Options())
    _ = try SIFBuild.make(folder.path + "/copy.sif", from: sif, SIFBuild.Options())
    #expect(folder.run("cmp new.sif second.sif && cmp new.sif copy.sif && stat -c %a new.sif") == "755\n")
  }

  @Test func `objects stand in Apptainer's order`() throws {
    try build()
    let file = try File.open(sif)
    let read = try SIFFile.read(descriptor: file.number, size: try File.facts(file).size)
    #expect(read.descriptors.map(\.name) == ["deffile", "inspect-metadata.json", "squashfs"])
    #expect(read.descriptors.map(\.type) == [.definition, .genericJSON, .partition])
    #expect(try read.primaryPartition().offset % 4096 == 0)
  }

  @Test func `an existing target is refused, and replaced when asked`() throws {
    _ = folder.run("echo mine > new.sif; mkdir folder")
    #expect(throws: BuildFault.targetExists(path: sif)) { try build() }
    #expect(folder.run("cat new.sif") == "mine\n")
    var options = SIFBuild.Options()
    options.replaces = true
    #expect(throws: BuildFault.targetIsDirectory(path: folder.path + "/folder")) {
      _ = try SIFBuild.make(folder.path + "/folder", from: folder.path + "/root", options)
    }
    _ = try SIFBuild.make(sif, from: folder.path + "/root", options)
    #expect(folder.run("ls -A") == "folder\nlog\nnew.sif\nroot\n")
  }

  @Test func `a failure leaves nothing behind`() throws {
    _ = folder.run("echo mine > old.sif; head -c 5000 /dev/urandom > noise; (printf hsqs; cat noise) > bad")
    for source in ["noise", "bad", "none"] {
      #expect(throws: BuildFault.self) {
        _ = try SIFBuild.make(sif, from: folder.path + "/" + source, SIFBuild.Options())
      }
      #expect(throws: BuildFault.self) {
        _ = try Sandbox.make(folder.path + "/box", fromImage: folder.path + "/" + source, replaces: false)
      }
    }
    #expect(folder.run("ls -A; cat old.sif") == "bad\nlog\nnoise\nold.sif\nroot\nmine\n")
  }
}

@Suite struct SingularityDirectoryTests {
  private static let folder = Tree.Node(.directory([]), mode: 0o755)

  @Test func `what the tree has stays, labels are merged`() throws {
    var tree = Tree()
    for (path, text) in [
      ("/.singularity.d/runscript", "#!/bin/sh\necho mine\n"),
      ("/.singularity.d/labels.json", #"{"a":"1","b":"\u0032","n":5}"#),
      ("/etc/hosts", "127.0.0.1 here\n"), ("/run-me", ""),
    ] {
      try tree.put(
        Tree.Node(.file(.bytes(Array(text.utf8))), mode: 0o644), at: path, directories: Self.folder)
    }
    try planSingularityDirectory(&tree, SingularityDirectory(labels: [("b", "3"), ("c", "4")]))
    #expect(tree.text(at: "/.singularity.d/runscript") == "#!/bin/sh\necho mine\n")
    #expect(tree.text(at: "/etc/hosts") == "127.0.0.1 here\n")
    #expect(
      parseLabels(tree.text(at: "/.singularity.d/labels.json") ?? "")?.map { "\($0.name)=\($0.value)" }
        == ["a=1", "b=3", "c=4"])
    #expect(tree.text(at: "/singularity") == "#!/bin/sh\necho mine\n")
  }

  @Test func `a link of the tree to the host's etc leads nowhere`() throws {
    var tree = Tree()
    try tree.put(
      Tree.Node(.link(target: Array("/tmp/outside".utf8)), mode: 0o777), at: "/etc", directories: Self.folder)
    #expect(throws: TreeFault.self) { try planSingularityDirectory(&tree, SingularityDirectory()) }
    #expect(access("/tmp/outside", F_OK) != 0)
  }

  @Test(arguments: ["", "[]", "{", #"{"a"}"#, #"{"a":"b""#, #"{"a":{"b":[1,{"c":"d"}]}"#, #"{"a":"\ud8"}"#])
  func `labels that are no JSON are refused, not half read`(text: String) {
    #expect(parseLabels(text) == nil)
  }

  @Test func `labels nested without end are refused`() {
    #expect(parseLabels(#"{"a":"# + String(repeating: "[", count: 100_000)) == nil)
  }
}

@Suite struct OCIRunscriptTests {
  /// Runs a script with /bin/sh and gives back what it printed.
  private func output(_ process: OCIProcess, _ arguments: String, _ environment: String = "") throws -> String
  {
    let folder = try Folder()
    let script = try File.open(folder.path + "/run", O_WRONLY | O_CREAT, mode: 0o755)
    try File.write(Array(process.runscript.utf8), to: script.number)
    return folder.run("env \(environment) A=value /bin/sh ./run \(arguments)")
  }

  @Test(arguments: [
    (["printf", "%s|"], [] as [String], "a 'b c'", "", "a|b c|"),
    (["printf", "%s|"], ["d", "$A `id` \"q\" \\ it's"], "", "", "d|$A `id` \"q\" \\ it's|"),
    ([], ["printf", "%s|", "x"], "", "", "x|"),
    ([], ["printf", "x"], "echo y", "", "y\n"),
    (["printf", "%s|"], ["d"], "'$A'", "", "value|"),
    (["printf", "%s|"], ["d"], "'$A'", "SINGULARITY_NO_EVAL=1", "$A|"),
    (["printf", "%s|"], ["d"], "", "SINGULARITY_NO_EVAL=1", "d|"),
  ])
  func `entry point, command and words of the user come together as OCI runtimes do it`(
    entrypoint: [String], command: [String], arguments: String, environment: String, wanted: String
  ) throws {
    #expect(
      try output(OCIProcess(entrypoint: entrypoint, command: command), arguments, environment) == wanted)
  }

  @Test func `variables yield to those that are set, PATH does not, odd names are skipped`() throws {
    let process = OCIProcess(environment: [
      "PATH=/image", "A=from `image` \"$x\"", "B=kept", "0bad=x", "C", "D-E=f",
    ])
    let folder = try Folder()
    let script = try File.open(folder.path + "/env", O_WRONLY | O_CREAT, mode: 0o644)
    try File.write(Array(process.environmentScript.utf8), to: script.number)
    #expect(folder.run("B=host; . ./env; echo \"$PATH|$A|$B|$C\"") == "/image|from `image` \"$x\"|host|\n")
  }
}
