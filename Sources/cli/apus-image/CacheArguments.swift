internal import Cache
internal import CommandLine

/// The words of `apus cache`, with their values understood.
struct CacheArguments {
  let kinds: [CacheKind]
  let days: Int?
  let dryRun: Bool
  let force: Bool
  let verbose: Bool
  let json: Bool

  /// Fails with a sentence about the first value that makes no sense.
  init(_ parsed: Parsed) throws(ValueProblem) {
    dryRun = parsed.isOn("dry-run")
    force = parsed.isOn("force")
    verbose = parsed.isOn("verbose")
    json = parsed.isOn("json")
    if let text = parsed.value("days") {
      guard let count = Int(text), (0...36500).contains(count) else {
        throw ValueProblem("--days: \(text) is not from 0 to 36500")
      }
      days = count
    } else {
      days = nil
    }
    var chosen: [CacheKind] = []
    for name in parsed.all("type") {
      guard let meant = Self.kinds(name) else {
        let known = CacheKind.shown.map(\.word).joined(separator: ", ")
        throw ValueProblem("--type: \(name) is none of \(known), blob, all")
      }
      chosen += meant
    }
    kinds =
      chosen.isEmpty || parsed.isOn("all") ? CacheKind.shown : CacheKind.shown.filter { chosen.contains($0) }
  }

  /// Apptainer keeps images by where they came from; here they are all of one type.
  private static func kinds(_ name: String) -> [CacheKind]? {
    switch name {
    case "all": CacheKind.shown
    case "library", "oci-tmp", "shub", "oras", "ipfs", "net": [.images]
    case "blob", "blobs": [.segments, .manifests, .partial]
    default: CacheKind.shown.first { $0.word == name || $0.rawValue == name }.map { [$0] }
    }
  }
}

extension CacheKind {
  /// What users call one object of the kind.
  var word: String {
    switch self {
    case .images: "image"
    case .segments: "segment"
    case .manifests: "manifest"
    case .tags: "tag"
    case .partial: "partial"
    case .locks: "lock"
    }
  }
}
