import Model
import Settings
import Testing

@testable import Launch

/// What an image lacks, and the root that shows it all the same.
@Suite struct RootChoiceTests {
  static let host = Facts.node(["/data": .directory, "/file": .other, "/layer": .directory, "/x.sif": .other])

  static func missing(_ parent: String, _ rest: [String], empty: Bool) -> ImageFacts.Target {
    .missing(parent: parent, rest: rest, parentIsEmpty: empty)
  }

  @Test func `an image that has every mount point is shown as it is`() throws {
    let plan = try Facts.plan(host: Self.host)
    #expect(plan.root.form == .image && plan.root.skeleton.isEmpty)
    #expect(plan.steps.first?.step.text == "bind /dev at /dev")
  }

  @Test func `what is missing in empty directories is made in a tmpfs over them`() throws {
    let image = Facts.image(targets: [
      "/home/ann": Self.missing("/home", ["ann"], empty: true),
      "/mnt/a/b": Self.missing("/mnt", ["a", "b"], empty: true),
    ])
    let plan = try Facts.plan(host: Self.host, image: image) { $0.binds = ["/file:/mnt/a/b"] }
    #expect(plan.root.form == .image)
    #expect(
      plan.steps.prefix(5).map(\.step.text) == [
        "mount tmpfs at /home", "mount tmpfs at /mnt", "make the directory /home/ann",
        "make the directory /mnt/a",
        "make the file /mnt/a/b",
      ])
    #expect(plan.root.reason.contains("/home/ann, /mnt/a/b"))
  }

  @Test(arguments: [true, false])
  func `anything else is made in a layer over the image, or beside its entries`(
    hasOverlay: Bool
  ) throws {
    let image = Facts.image(
      targets: ["/new/place": Self.missing("/", ["new", "place"], empty: false)], hasOverlay: hasOverlay)
    let plan = try Facts.plan(host: Self.host, image: image) { $0.binds = ["/data:/new/place"] }
    #expect(plan.root.form == (hasOverlay ? .readOnlyOverlay : .boundEntries))
    #expect(
      plan.root.skeleton == [SkeletonEntry("/new", .directory), SkeletonEntry("/new/place", .directory)])
    #expect(plan.root.reason.hasPrefix("the image lacks /new/place"))
  }

  @Test
  func `a site without overlays has mount points beside the image's entries, and refuses what needs one`()
    throws
  {
    let image = Facts.image(targets: ["/new": Self.missing("/", ["new"], empty: false)], hasOverlay: true)
    var settings = Settings()
    settings.usesOverlay = false
    let plan = try Facts.plan(host: Self.host, image: image, settings: settings) { $0.binds = ["/data:/new"] }
    #expect(plan.root.form == .boundEntries && plan.root.reason.contains("enable overlay = no"))
    let without = settings
    #expect(throws: LaunchFault.overlayForbidden(option: "--overlay")) {
      try Facts.plan(host: Self.host, settings: without) { $0.overlays = ["/layer"] }
    }
    #expect(throws: LaunchFault.overlayForbidden(option: "--writable-tmpfs")) {
      try Facts.plan(host: Self.host, settings: without) { $0.writableTemporary = true }
    }
  }

  @Test func `a file's mount point is a file, and a link of the image is followed to where it leads`() throws
  {
    let image = Facts.image(targets: ["/link/f": Self.missing("/real", ["f"], empty: false)])
    let plan = try Facts.plan(host: Self.host, image: image) { $0.binds = ["/file:/link/f"] }
    #expect(plan.root.skeleton == [SkeletonEntry("/real/f", .file)])
  }

  @Test func `a site's bind that the image has no place for is left out`() throws {
    let image = Facts.image(targets: ["/etc/hosts": Self.missing("/etc", ["hosts"], empty: false)])
    let plan = try Facts.plan(host: Self.host, image: image)
    #expect(plan.root.form == .image)
    #expect(!plan.steps.contains { $0.step.text.contains("/etc/hosts") })
    #expect(plan.notices.isEmpty)
  }

  static let writableRoots: [(@Sendable (inout LaunchRequest) -> Void, RootPlan.Form, [String])] = [
    ({ $0.writableTemporary = true }, .writableTemporary, []),
    ({ $0.overlays = ["/data"] }, .writableOverlay(directory: "/data"), []),
    ({ $0.overlays = ["/data:rw"] }, .writableOverlay(directory: "/data"), []),
    ({ $0.overlays = ["/data:ro"] }, .readOnlyOverlay, ["/data"]),
    ({ $0.overlays = ["/layer:ro", "/data"] }, .writableOverlay(directory: "/data"), ["/layer"]),
    (
      {
        $0.overlays = ["/layer:ro"]
        $0.writableTemporary = true
      }, .writableTemporary, ["/layer"]
    ),
  ]

  @Test(arguments: writableRoots) func `writable roots and layers`(
    change: @Sendable (inout LaunchRequest) -> Void, form: RootPlan.Form, layers: [String]
  ) throws {
    let image = Facts.image(targets: ["/home/ann": Self.missing("/", ["home", "ann"], empty: false)])
    let plan = try Facts.plan(host: Self.host, image: image, change: change)
    #expect(plan.root.form == form && plan.root.layers == layers.map { .directory($0) })
    #expect(plan.root.skeleton.map(\.path) == ["/home", "/home/ann"])
    #expect(plan.root.sessionBytes == 128 << 20, "an eighth of a GiB")
  }

  static let contradictions: [(@Sendable (inout LaunchRequest) -> Void, LaunchFault)] = [
    ({ $0.overlays = ["/data", "/layer"] }, .severalWritableOverlays),
    (
      {
        $0.overlays = ["/data"]
        $0.writableTemporary = true
      }, .severalWritableOverlays
    ),
    (
      { $0.overlays = ["/none:ro"] },
      .overlaySyntax(spec: "/none:ro", why: "/none does not exist on this host")
    ),
  ]

  @Test(arguments: contradictions) func `overlays that contradict each other are refused`(
    change: @Sendable (inout LaunchRequest) -> Void, fault: LaunchFault
  ) {
    #expect(throws: fault) { try Facts.plan(host: Self.host, change: change) }
  }

  @Test(arguments: ["/x.sif", "/x.sif:ro", "/x.sif:rw"])
  func `a file is no overlay, and is refused before anything is locked`(spec: String) {
    var request = Facts.request()
    request.overlays = [spec]
    #expect(throws: LaunchFault.self) { try writableOverlay(request, host: Self.host) }
    do throws(LaunchFault) { _ = try writableOverlay(request, host: Self.host) } catch {
      #expect(error.explanation.why == "it cannot be read")
    }
  }

  @Test func `what has another kind than its source is refused`() {
    #expect(throws: LaunchFault.kind(target: "/opt", sourceIsDirectory: false)) {
      try Facts.plan(host: Self.host, image: Facts.image(targets: ["/opt": .directory])) {
        $0.binds = ["/file:/opt"]
      }
    }
    #expect(throws: LaunchFault.kind(target: "/opt", sourceIsDirectory: true)) {
      try Facts.plan(host: Self.host, image: Facts.image(targets: ["/opt": .other])) {
        $0.binds = ["/data:/opt"]
      }
    }
  }

  static func sandbox(_ targets: Lookup<ImageFacts.Target>) -> ImageFacts {
    Facts.image(targets: targets, isSandbox: true)
  }

  @Test func `in a sandbox that is written to, defaults without a place are left out with one warning`()
    throws
  {
    let image = Self.sandbox([
      "/sys": Self.missing("/", ["sys"], empty: false),
      "/home/ann": Self.missing("/home", ["ann"], empty: true),
      "/etc/localtime": Self.missing("/etc", ["localtime"], empty: false),
    ])
    let plan = try Facts.plan(host: Self.host, image: image) { $0.writable = true }
    #expect(plan.root.form == .writableSandbox && plan.root.skeleton.isEmpty)
    #expect(!plan.steps.contains { $0.step.text.contains("/sys") || $0.step.text.contains("/home") })
    #expect(plan.notices.map(\.level) == [.warning])
    let text = plan.notices.first?.text ?? ""
    #expect(text.contains("/sys, /etc/localtime, /home/ann") && text.contains("--writable"))
    #expect(plan.program.directories == ["/"])
  }

  @Test func `what lies beneath a default that is left out goes with it`() throws {
    let image = Self.sandbox(["/dev": Self.missing("/", ["dev"], empty: false)])
    let plan = try Facts.plan(host: Self.host, image: image) {
      $0.writable = true
      $0.contain = true
    }
    #expect(!plan.steps.contains { $0.step.text.contains("/dev") })
    #expect(plan.notices.count == 1 && plan.notices[0].text.hasPrefix("not showing /dev:"))
  }

  static let asked: [(@Sendable (inout LaunchRequest) -> Void, String)] = [
    ({ $0.binds = ["/data:/notthere"] }, "mkdir -p /images/tiny.sif/notthere"),
    ({ $0.binds = ["/file:/notthere"] }, "touch /images/tiny.sif/notthere"),
    ({ $0.scratch = ["/notthere"] }, "mkdir -p /images/tiny.sif/notthere"),
    ({ $0.homeSpec = "/data:/notthere" }, "mkdir -p /images/tiny.sif/notthere"),
  ]

  @Test(arguments: asked) func `what the user asks for there is refused with the command that helps`(
    change: @Sendable (inout LaunchRequest) -> Void, remedy: String
  ) {
    let image = Self.sandbox(["/notthere": Self.missing("/", ["notthere"], empty: false)])
    do throws(LaunchFault) {
      _ = try Facts.plan(host: Self.host, image: image) {
        $0.writable = true
        change(&$0)
      }
      Issue.record("planned")
    } catch {
      #expect(
        error.explanation.why == "the sandbox has no /notthere, and with --writable nothing is made in it")
      #expect(error.explanation.remedy == "make it: " + remedy)
    }
  }
}
