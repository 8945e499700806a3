import Ext
import Model
import SIF
import Settings
import Testing

@testable import Launch

/// Plans with file systems in files.
@Suite struct FileImagePlanTests {
  static func part(
    _ path: String, _ number: Int32, _ fileSystem: FileImage.FileSystem, offset: Int = 0, id: UInt32 = 0,
    use: SIFPartitionType? = nil
  ) -> HostImage.Part {
    var part = HostImage.Part(
      image: FileImage(path: path, descriptor: number, fileSystem: fileSystem, offset: offset, size: 4096))
    part.id = id
    part.use = use
    if fileSystem == .ext {
      part.ext = ExtImage(size: 4096, isClean: true, needsRecovery: false, uid: 1000, gid: 1000)
    }
    return part
  }

  static func file(_ parts: HostImage.Part..., isSIF: Bool = false) -> HostImage {
    var file = HostImage()
    file.parts = parts
    file.isSIF = isSIF
    return file
  }

  static var host: HostFacts {
    var host = Facts.node(["/s": .other, "/e": .other, "/f": .other, "/x.sif": .other, "/d": .directory])
    host.images["/s"] = file(part("/s", 10, .squashfs))
    host.images["/e"] = file(part("/e", 11, .ext))
    host.images["/f"] = file(part("/f", 12, .ext))
    host.images["/x.sif"] = file(
      part("/x.sif", 13, .squashfs, offset: 1, id: 1, use: .primarySystem),
      part("/x.sif", 13, .squashfs, offset: 2, id: 2, use: .data),
      part("/x.sif", 13, .ext, offset: 3, id: 3, use: .overlay), isSIF: true)
    for key in ["10 0 /", "10 0 /dir", "11 0 /", "13 2 /", "13 1 /"] { host.imageKinds[key] = .directory }
    host.imageKinds["10 0 /file"] = .other
    return host
  }

  static func step(_ path: String, _ target: String, of file: String, offset: Int = 0) -> (PlannedStep) ->
    Bool
  {
    { planned in
      if case .bindImage(let image, path, target, _) = planned.step {
        image.path == file && image.offset == offset
      } else {
        false
      }
    }
  }

  static let binds: [(text: String, path: String, file: String, offset: Int, writable: Bool)] = [
    ("/s:/mnt:image-src=/", "/", "/s", 0, false), ("/s:/mnt:image-src=dir", "/dir", "/s", 0, false),
    ("/s:/mnt:ro,image-src=/dir", "/dir", "/s", 0, false), ("/e:/mnt:image-src=/", "/", "/e", 0, false),
    ("/e:/mnt:rw,image-src=/", "/", "/e", 0, true), ("/e:/mnt:image-src=/,rw", "/", "/e", 0, true),
    ("/x.sif:/mnt:image-src=/", "/", "/x.sif", 2, false), ("/x.sif:/mnt:id=1", "/", "/x.sif", 1, false),
  ]

  @Test(arguments: binds) func `a bind names a path of a file system`(
    text: String, path: String, file: String, offset: Int, writable: Bool
  ) throws {
    let request = Facts.request { $0.binds = [text] }
    let images = try wantedImages(request, host: Self.host)
    #expect(images.map(\.path) == [file] && images.map(\.isWritable) == [writable])
    let plan = try Facts.plan(host: Self.host) { $0.binds = [text] }
    #expect(plan.steps.contains(where: Self.step(path, "/mnt", of: file, offset: offset)), "\(plan.steps)")
    #expect(try wantedImages(request, host: Self.host, onlyOfBinds: true).map(\.isWritable) == [false])
  }

  @Test(arguments: [
    "/s:/mnt:image-src=/none", "/none:/mnt:image-src=/", "/d:/mnt:image-src=/", "/s:/mnt:id=2",
    "/x.sif:/mnt:id=9",
    "/s:/mnt:id=", "/s:/mnt:id=0", "/s:/mnt:src=/",
  ])
  func `refuses as a bind of an image`(text: String) {
    #expect(throws: LaunchFault.self) { try Facts.plan(host: Self.host) { $0.binds = [text] } }
  }

  static let overlays: [(words: [String], form: RootPlan.Form, layers: [String], program: Bool)] = [
    (["/s"], .readOnlyOverlay, ["/s"], false), (["/s:ro", "/d:ro"], .readOnlyOverlay, ["/s", "/d"], false),
    (["/e:ro"], .readOnlyOverlay, ["/e"], true),
    (["/d", "/s"], .writableOverlay(directory: "/d"), ["/s"], false),
    (["/d", "/e:ro"], .writableOverlay(directory: "/d"), ["/e"], true),
  ]

  @Test(arguments: overlays) func `image files are layers, and ext3 of users needs a program`(
    words: [String], form: RootPlan.Form, layers: [String], program: Bool
  ) throws {
    var host = Self.host
    let plan = try Facts.plan(host: host) { $0.overlays = words }
    #expect(plan.root.form == form && plan.root.layers.map(\.path) == layers)
    #expect(plan.root.isMadeByProgram == program)
    host.extIsOfKernel = true
    #expect(try !Facts.plan(host: host) { $0.overlays = words }.root.isMadeByProgram)
  }

  @Test func `an ext3 image takes changes, and one place takes them`() throws {
    for word in ["/e", "/e:rw", "/x.sif"] {
      let plan = try Facts.plan(host: Self.host) { $0.overlays = ["/s", word] }
      guard case .writableImage(let image) = plan.root.form else {
        Issue.record("\(plan.root.form)")
        continue
      }
      #expect(image.isWritable)
      #expect(plan.root.layers.map(\.path) == ["/s"])
    }
    for words in [["/e", "/f"], ["/e", "/d"], ["/d", "/e"]] {
      #expect(throws: LaunchFault.severalWritableOverlays) {
        try Facts.plan(host: Self.host) { $0.overlays = words }
      }
    }
  }

  @Test func `the overlay partition of the image is a layer, and with --writable takes changes`() throws {
    var host = Self.host
    host.ownImage = Self.file(
      Self.part("/images/tiny.sif", 3, .ext, offset: 8, id: 4, use: .overlay), isSIF: true)
    let read = try Facts.plan(host: host)
    #expect(read.root.form == .readOnlyOverlay && read.root.layers.map(\.path) == ["/images/tiny.sif"])
    let written = try Facts.plan(host: host) { $0.writable = true }
    guard case .writableImage(let image) = written.root.form else {
      Issue.record("\(written.root.form)")
      return
    }
    #expect(image.offset == 8 && image.isWritable && written.root.layers.isEmpty)
    host.ownImage = nil
    do throws(LaunchFault) {
      _ = try Facts.plan(host: host) { $0.writable = true }
      Issue.record("planned")
    } catch { #expect(error.explanation.remedy.contains("apus overlay create /images/tiny.sif")) }
  }

  @Test func `a partition that is named as an overlay of its own image is shown once`() throws {
    var host = Self.host
    host.ownImage = host.images["/x.sif"]
    let written = try Facts.plan(host: host) { $0.overlays = ["/x.sif", "/s"] }
    guard case .writableImage(let image) = written.root.form else {
      Issue.record("\(written.root.form)")
      return
    }
    #expect(image.path == "/x.sif" && written.root.layers.map(\.path) == ["/s"])
    let read = try Facts.plan(host: host) { $0.overlays = ["/s", "/x.sif:ro"] }
    #expect(read.root.layers.map(\.path) == ["/s", "/x.sif"])
    let request = Facts.request { $0.overlays = ["/x.sif"] }
    #expect(try wantedImages(request, host: host).map(\.isWritable) == [true])
  }

  @Test(arguments: [true, false])
  func `without overlays the partition of the image is left out, and not written to`(isOfSite: Bool) throws {
    var host = Self.host
    host.leavesOutOwn = true
    var settings = Settings()
    settings.usesOverlay = !isOfSite
    let plan = try Facts.plan(host: host, settings: settings) { $0.underlay = !isOfSite }
    #expect(plan.root.form == .image && plan.root.layers.isEmpty)
    let warning =
      plan.notices.first { $0.level == .warning && $0.text.contains("overlay partition") }?.text ?? ""
    #expect(warning.contains("/images/tiny.sif"), "\(plan.notices)")
    #expect(warning.contains(isOfSite ? "enable overlay = no" : "--underlay"), "\(warning)")
    let fault: LaunchFault = isOfSite ? .overlayForbidden(option: "--writable") : .writableWithUnderlay
    #expect(throws: fault) {
      try Facts.plan(host: host, settings: settings) {
        $0.underlay = !isOfSite
        $0.writable = true
      }
    }
  }

  @Test func `what cannot be written to is refused before it is mounted`() throws {
    var host = Self.host
    host.images["/f"]?.whyNotWritable = "Permission denied"
    do throws(LaunchFault) {
      _ = try wantedImages(Facts.request { $0.overlays = ["/f"] }, host: host)
      Issue.record("wanted")
    } catch { #expect(error.explanation.why.contains("Permission denied")) }
  }
}
