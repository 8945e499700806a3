import Launch
import Model
import NodeCache
import Settings
import Testing

@testable import StepOptions

@Suite struct StepOptionsTests {
  @Test(
    arguments: [
      ([("container-image", "a")], [], "a", "--container-image"),
      ([("container", "n")], [], "n", "--container"),
      ([], ["APUS_CONTAINER_IMAGE=e", "PYXIS_CONTAINER_IMAGE=p"], "e", "APUS_CONTAINER_IMAGE"),
      ([], ["PYXIS_CONTAINER_IMAGE=p"], "p", "PYXIS_CONTAINER_IMAGE"),
      ([], ["APUS_CONTAINER_IMAGE=", "PYXIS_CONTAINER_IMAGE=p"], "p", "PYXIS_CONTAINER_IMAGE"),
      ([("container-image", "a")], ["APUS_CONTAINER_IMAGE=e"], "a", "--container-image"),
      ([("container", "n")], ["APUS_CONTAINER_IMAGE=e"], "n", "--container"),
      // What a container says of itself names no image for the next.
      ([], ["APUS_CONTAINER=/x.sif"], nil, "--container-image"),
      ([], [], nil, "--container-image"),
    ] as [([(String, String)], [String], String?, String)])
  func `the command line wins over our variable, and that over Pyxis'`(
    words: [(String, String)], variables: [String], image: String?, origin: String
  ) throws {
    let options = try Given.options(words, variables)
    #expect(options.image == image)
    #expect(options.imageOrigin == origin)
    #expect(options.isWanted == (image != nil))
  }

  typealias Flag = any KeyPath<StepOptions, Bool> & Sendable
  static let flags: [(Flag, on: String, off: String?, variable: String, isOn: Bool)] = [
    (\.showsHome, "container-mount-home", "no-container-mount-home", "MOUNT_HOME", true),
    (\.mapsToRoot, "container-remap-root", "no-container-remap-root", "REMAP_ROOT", false),
    (\.runsEntrypoint, "container-entrypoint", "no-container-entrypoint", "ENTRYPOINT", false),
    (\.logsEntrypoint, "container-entrypoint-log", nil, "ENTRYPOINT_LOG", false),
    (\.isWritable, "container-writable", "container-readonly", "WRITABLE", false),
    (\.showsSlurm, "container-slurm", nil, "SLURM", false),
  ]

  @Test(arguments: flags.indices) func `a flag is on, off, or what it is by default`(index: Int) throws {
    let (flag, on, off, variable, isOn) = Self.flags[index]
    #expect(try Given.image()[keyPath: flag] == isOn)
    #expect(try Given.image([(on, "")])[keyPath: flag])
    for (text, value) in [
      ("1", true), ("true", true), ("yes", true), ("y", true), ("0", false), ("false", false), ("no", false),
      ("n", false), ("perhaps", isOn),
    ] {
      for prefix in ["APUS_CONTAINER_", "PYXIS_CONTAINER_"] {
        let options = try Given.image([], [prefix + variable + "=" + text])
        #expect(options[keyPath: flag] == value, "\(prefix)\(variable)=\(text)")
        #expect(options.notices.contains { $0.text.contains("perhaps") } == (text == "perhaps"))
      }
    }
    #expect(
      try Given.image([], ["APUS_CONTAINER_\(variable)=0", "PYXIS_CONTAINER_\(variable)=1"])[keyPath: flag]
        == false)
    guard let off else { return }
    #expect(try Given.image([(off, "")], ["APUS_CONTAINER_\(variable)=1"])[keyPath: flag] == false)
    #expect(throws: StepFault.contradiction("--" + on, "--" + off)) {
      try Given.image([(on, ""), (off, "")])
    }
  }

  @Test func `a variable says read-only as well`() throws {
    #expect(try !Given.options([("container-name", "n")], ["PYXIS_CONTAINER_READONLY=1"]).isWritable)
    #expect(try Given.image([], ["PYXIS_CONTAINER_READONLY=no"]).isWritable)
    #expect(try Given.image([], ["PYXIS_CONTAINER_READONLY=1", "APUS_CONTAINER_WRITABLE=1"]).isWritable)
  }

  @Test func `a named container is there to be written to`() throws {
    #expect(try Given.image([("container-name", "n")]).isWritable)
    #expect(try !Given.image([("container-name", "n"), ("container-readonly", "")]).isWritable)
    #expect(try !Given.image().isWritable)
  }

  @Test(
    arguments: [
      ([("container-image", "")], .valueMissing(origin: "--container-image")),
      ([("container-mounts", "")], .valueMissing(origin: "--container-mounts")),
      (
        [("container-image", "a"), ("container-image", "b")],
        .repeated(origin: "--container-image", first: "a", second: "b")
      ),
      (
        [("container-image", "a"), ("container", "b")], .contradiction("--container-image", "--container")
      ),
      ([("container-gadget", "x")], .optionUnknown(name: "container-gadget")),
      ([("container-nv", "")], .notInThisVersion(origin: "--container-nv")),
      ([("container-rocm", "")], .notInThisVersion(origin: "--container-rocm")),
      ([("container-gpu", "none")], .notInThisVersion(origin: "--container-gpu")),
      ([("container-mpi", "pmix")], .notInThisVersion(origin: "--container-mpi")),
      (
        [("container-image", "a"), ("container-verify", "sig")],
        .notInThisVersion(origin: "--container-verify=sig")
      ),
      ([("container-name", "n:create")], .nothingToCreate(name: "n")),
      (
        [("container-image", "a"), ("container-stage", "fast")],
        .value(
          origin: "--container-stage", value: "fast", why: "there is no such way of staging",
          remedy: "write direct, node, sbcast or auto")
      ),
    ] as [([(String, String)], StepFault)])
  func `words that cannot be carried out are refused by what is wrong`(
    words: [(String, String)], fault: StepFault
  ) {
    #expect(throws: fault) { try Given.options(words) }
  }

  @Test func `the same word twice is one`() throws {
    let options = try Given.options([
      ("container-image", "a"), ("container-image", "a"), ("container-mounts", "/a"),
      ("container-mounts", "/a"),
      ("container-mounts", "/b"),
    ])
    #expect(options.mounts.map(\.target) == ["/a", "/b"])
  }

  @Test func `variables say nothing where no container is wanted`() throws {
    let options = try Given.options(
      [], ["APUS_CONTAINER_NV=1", "PYXIS_CONTAINER_MOUNTS=:", "PYXIS_CONTAINER_WRITABLE=perhaps"])
    #expect(!options.isWanted && options.mounts.isEmpty && options.notices.isEmpty)
    #expect(throws: StepFault.notInThisVersion(origin: "APUS_CONTAINER_NV")) {
      try Given.image([], ["APUS_CONTAINER_NV=1"])
    }
    #expect(try Given.image([], ["APUS_CONTAINER_NV=0"]).isWanted)
  }

  @Test func `options without a container are ignored with a word`() throws {
    let options = try Given.options([("container-mounts", "/a"), ("container-mount-home", "")])
    #expect(options.notices.map(\.level) == [.warning, .warning])
    #expect(options.notices.allSatisfy { $0.text.hasPrefix("ignoring --container-mount") })
  }

  @Test(
    arguments: [
      ("/usr/local/bin", .path("/usr/local/bin")), ("../", .path("/")), ("sub", .path("/sub")),
      ("image", .image),
      ("./image", .path("/image")),
    ] as [(String, StepOptions.WorkDirectory)])
  func `a working directory is a path of the container`(text: String, expected: StepOptions.WorkDirectory)
    throws
  {
    #expect(try Given.image([("container-workdir", text)]).workDirectory == expected)
    #expect(try Given.image([], ["PYXIS_CONTAINER_WORKDIR=" + text]).workDirectory == expected)
  }

  @Test(arguments: [
    ("net", UnsharedNamespaces(network: true)), ("ipc,uts", UnsharedNamespaces(ipc: true, uts: true)),
    ("net,ipc,uts", UnsharedNamespaces(network: true, ipc: true, uts: true)),
  ])
  func `namespaces of one's own`(text: String, expected: UnsharedNamespaces) throws {
    #expect(try Given.image([("container-unshare", text)]).unshared == expected)
    #expect(try Given.image([], ["PYXIS_CONTAINER_UNSHARE=" + text]).unshared == expected)
  }

  @Test(arguments: [
    ("pid", "signals that Slurm sends"), ("foo", "unknown namespace \"foo\""),
    ("net,foo", "unknown namespace \"foo\""), ("net,,ipc", "unknown namespace \"\""),
  ])
  func `namespaces that cannot be had are refused`(text: String, why: String) {
    #expect {
      _ = try Given.image([("container-unshare", text)])
    } throws: { error in
      (error as? StepFault)?.explanation.why.contains(why) ?? false
    }
  }

  @Test func `the site decides where the user does not`() throws {
    let site = try SiteOptions(words: [
      "stage=node", "verify=full", "execute_entrypoint=yes", "defaults=pyxis",
    ])
    let options = try Given.image(site: site)
    #expect(options.stage == .node && options.verify == .full && options.runsEntrypoint && !options.showsHome)
    let asked = try Given.image(
      [
        ("container-stage", "direct"), ("container-verify", "stat"), ("no-container-entrypoint", ""),
        ("container-mount-home", ""),
      ], site: site)
    #expect(asked.stage == .direct && asked.verify == .stat && !asked.runsEntrypoint && asked.showsHome)
  }

  @Test func `with Pyxis' habits nothing is shown, run or mapped that was not asked for`() throws {
    let options = try Given.image(site: Given.pyxis)
    #expect(!options.showsHome && !options.mapsToRoot && !options.runsEntrypoint && !options.isWritable)
  }

  @Test func `an entry point that is not run has nothing to log`() throws {
    #expect(try Given.image([("container-entrypoint-log", "")]).notices.count == 1)
    #expect(
      try Given.image([("container-entrypoint-log", ""), ("container-entrypoint", "")]).notices.isEmpty)
  }
}
