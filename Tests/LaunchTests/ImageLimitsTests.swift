import Model
import Settings
import Testing

@testable import Launch

@Suite struct ImageLimitsTests {
  static func origin(_ change: (inout ImageOrigin) -> Void = { _ in }) -> ImageOrigin {
    var origin = ImageOrigin(path: "/s/a.sif", kind: .sif, realPath: "/scratch/a.sif", uid: 7, gid: 8)
    change(&origin)
    return origin
  }

  static func settings(_ text: String) throws -> Settings { try Settings(parsing: text, path: "c") }

  @Test(
    arguments: [
      ("", "/anywhere/a.sif", []), ("limit container paths = /scratch", "/scratch/a.sif", ["/scratch"]),
      ("limit container paths = /scratch", "/scratch/b/c/a.sif", ["/scratch"]),
      ("limit container paths = /", "/scratch/a.sif", ["/"]),
      ("limit container paths = /no, /scratch/", "/scratch/a.sif", ["/no", "/scratch"]),
      // The directory is a link on this host.
      ("limit container paths = /images", "/lustre/images/a.sif", ["/lustre/images"]),
    ] as [(String, String, [String])])
  func `an image in an allowed directory is run`(text: String, real: String, allowed: [String]) throws {
    let origin = Self.origin {
      $0.realPath = real
      $0.allowedPaths = allowed
    }
    try checkImageLimits(origin, settings: Self.settings(text))
  }

  @Test(arguments: ["/scratch2/a.sif", "/x/a.sif", "/scratc", nil] as [String?])
  func `another directory is none, however its name begins`(real: String?) throws {
    let origin = Self.origin {
      $0.realPath = real
      $0.allowedPaths = ["/scratch"]
    }
    let settings = try Self.settings("limit container paths = /scratch")
    let fault = #expect(throws: ImageLimitFault.self) { try checkImageLimits(origin, settings: settings) }
    #expect(fault == .place(path: "/s/a.sif", realPath: real, allowed: ["/scratch"]))
    #expect(fault?.explanation.why.contains("limit container paths") ?? false)
  }

  @Test func `owner and group must be among those named`() throws {
    let settings = try Self.settings("limit container owners = root, ann\nlimit container groups = 8")
    var origin = Self.origin {
      $0.allowedOwners = [0, 7]
      $0.allowedGroups = [8]
    }
    try checkImageLimits(origin, settings: settings)
    origin.gid = 9
    #expect(throws: ImageLimitFault.group(path: "/s/a.sif", gid: 9, allowed: ["8"])) {
      try checkImageLimits(origin, settings: settings)
    }
    // A name that nobody knows allows nobody.
    origin.allowedOwners = []
    #expect(throws: ImageLimitFault.owner(path: "/s/a.sif", uid: 7, allowed: ["root", "ann"])) {
      try checkImageLimits(origin, settings: settings)
    }
  }

  @Test(
    arguments: [
      ("/nonexistent-1/home/cache", 7, 8, true), ("/nonexistent-2/cache", 7, 8, false),
      ("/nonexistent-1/cache", 6, 8, false), ("/nonexistent-1/cache", 7, 9, false), (nil, 7, 8, false),
    ] as [(String?, UInt32, UInt32, Bool)])
  func `an image that a reference means will be the caller's, in the cache`(
    cache: String?, uid: UInt32, gid: UInt32, isAllowed: Bool
  ) throws {
    let settings = try Self.settings(
      "limit container paths = /nonexistent-1\nlimit container owners = 7\nlimit container groups = 8")
    let origin = surveyImageOrigin(
      ofReference: "docker://a", cache: cache, uid: uid, gid: gid, settings: settings)
    let isRun = (try? checkImageLimits(origin, settings: settings)) != nil
    #expect(isRun == isAllowed)
  }

  @Test(
    arguments: [
      ("sif", ImageOrigin.Kind.sif), ("squashfs", .squashfs), ("dir", .directory),
    ])
  func `a form of image that is switched off is refused, and no other`(name: String, kind: ImageOrigin.Kind)
    throws
  {
    let settings = try Self.settings("allow container \(name) = no")
    for other in [ImageOrigin.Kind.sif, .squashfs, .directory] {
      let origin = Self.origin { $0.kind = other }
      if other == kind {
        #expect(throws: ImageLimitFault.self) { try checkImageLimits(origin, settings: settings) }
      } else {
        try checkImageLimits(origin, settings: settings)
      }
    }
    #expect(settings.limitsImages && !settings.limitsFiles)
  }
}
