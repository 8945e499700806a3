public import Content
public import Model

/// For what machine an image is made (OCI Image Format, image-index.md, `platform`), in normal form: Go's
/// names, no variant where it is the one everybody means.
public struct Platform: Hashable, Sendable {
  public let operatingSystem: String
  public let architecture: String
  /// `v7`; empty for none.
  public let variant: String
  /// Which of the levels of amd64 the processor has, 1 to 4 (x86-64 psABI, "micro-architecture levels").
  /// Counts only where no variant is asked for.
  public var amd64Level = 1

  public init(_ architecture: Architecture, variant: String = "", amd64Level: Int = 1) {
    self.init(operatingSystem: "linux", architecture: architecture.rawValue, variant: variant)
    self.amd64Level = amd64Level
  }

  /// Parts as somebody wrote them; they are normalised. An arm without variant is v7.
  public init(operatingSystem: String, architecture: String, variant: String) {
    let (architecture, variant) = Self.normal(architecture, variant)
    self.operatingSystem = operatingSystem.isEmpty ? "linux" : operatingSystem.lowercased()
    self.architecture = architecture
    self.variant = architecture == "arm" && variant.isEmpty ? "v7" : variant
  }

  /// Reads `linux/arm64/v8`, `linux/arm64`, or an architecture alone.
  public init(parsing text: String) throws(ReferenceFault) {
    let parts = text.fields(at: UInt8(ascii: "/")).map { String($0) }
    let isText = parts.allSatisfy { part in
      !part.isEmpty && part.utf8.count <= 32
        && part.utf8.allSatisfy { RegistryName.isAlphanumeric($0) || "._-".utf8.contains($0) }
    }
    guard isText, parts.count <= 3 else { throw .platform(text) }
    if parts.count > 1, parts[0].lowercased() != "linux" { throw .operatingSystem(parts[0]) }
    let architecture = parts.count == 1 ? parts[0] : parts[1]
    self.init(
      operatingSystem: "linux", architecture: architecture, variant: parts.count == 3 ? parts[2] : "")
    guard machine != nil else { throw .architecture(architecture) }
  }

  /// This machine. `amd64Level`: see there; the caller asks the processor.
  public static func host(amd64Level: Int) -> Platform { Platform(.host, amd64Level: amd64Level) }

  /// The architecture as SIF and the launcher know it; nil where they do not.
  public var machine: Architecture? { Architecture(rawValue: architecture) }

  /// `linux/arm/v7`
  public var text: String {
    operatingSystem + "/" + architecture + (variant.isEmpty ? "" : "/" + variant)
  }

  /// Names of one thing: Go's, uname's, Debian's, and those of Docker's old per-architecture namespaces.
  private static func normal(_ architecture: String, _ variant: String) -> (String, String) {
    var architecture = architecture.lowercased()
    var variant = variant.lowercased()
    if let first = variant.utf8.first, (0x30...0x39).contains(first) { variant = "v" + variant }
    switch architecture {
    case "x86_64", "x86-64": architecture = "amd64"
    case "i386", "i486", "i586", "i686", "x86": architecture = "386"
    case "aarch64", "arm64v8": architecture = "arm64"
    case "armhf", "arm32v7", "armv7", "armv7l":
      (architecture, variant) = ("arm", variant.isEmpty ? "v7" : variant)
    case "armel", "arm32v6", "armv6", "armv6l":
      (architecture, variant) = ("arm", variant.isEmpty ? "v6" : variant)
    case "arm32v5": (architecture, variant) = ("arm", variant.isEmpty ? "v5" : variant)
    default: break
    }
    if variant.utf8.count == 4, variant.utf8.suffix(2).elementsEqual(".0".utf8) {
      variant = String(variant.prefix(2))
    }
    if architecture == "arm64" && variant == "v8" || architecture == "amd64" && variant == "v1" {
      variant = ""
    }
    return (architecture, variant)
  }

  /// The normal form of an index entry: there an arm without a variant stays one.
  private static func entry(_ descriptor: ContentDescriptor) -> (system: String, String, String) {
    let (architecture, variant) = normal(descriptor.architecture, descriptor.variant)
    return (descriptor.operatingSystem.lowercased(), architecture, variant)
  }

  /// Variants of images this platform runs, best first.
  var variants: [String] {
    let number = Self.number(of: variant)
    switch architecture {
    case "arm":
      guard let (major, _) = number, major >= 5 else { return Self.distinct([variant, ""]) }
      return (5...major).reversed().map { "v\($0)" } + [""]
    case "arm64": return Self.distinct([variant] + Self.arm64(below: number) + [""])
    case "amd64":
      // Nothing asked: the plain image is what its makers mean for everybody.
      let top = variant.isEmpty ? min(max(amd64Level, 1), 4) : number?.major ?? 1
      let levels = top >= 2 ? (2...top).reversed().map { "v\($0)" } : []
      return Self.distinct([variant, ""] + levels)
    default: return Self.distinct([variant, ""])
    }
  }

  /// `v8.2` takes v8.1; `v9.N` takes all of v9 below it and v8 up to 8.(N+5) (Arm Architecture Reference
  /// Manual, A2.1).
  private static func arm64(below number: (major: Int, minor: Int)?) -> [String] {
    guard let number else { return [] }
    func steps(_ major: Int, _ top: Int) -> [String] {
      (0...min(max(top, 0), 9)).reversed().map { $0 == 0 ? "v\(major)" : "v\(major).\($0)" }
    }
    switch number.major {
    case 8: return steps(8, number.minor).filter { $0 != "v8" }
    case 9: return steps(9, number.minor) + steps(8, number.minor + 5).filter { $0 != "v8" }
    default: return []
    }
  }

  /// `v8.2` as (8, 2); each number has one digit.
  private static func number(of variant: String) -> (major: Int, minor: Int)? {
    let bytes = Array(variant.utf8)
    func digit(_ position: Int) -> Int? {
      (0x30...0x39).contains(bytes[position]) ? Int(bytes[position]) - 0x30 : nil
    }
    guard bytes.count == 2 || bytes.count == 4 && bytes[2] == UInt8(ascii: "."),
      bytes[0] == UInt8(ascii: "v"), let major = digit(1)
    else { return nil }
    if bytes.count == 2 { return (major, 0) }
    guard let minor = digit(3) else { return nil }
    return (major, minor)
  }

  private static func distinct(_ names: [String]) -> [String] {
    var kept: [String] = []
    for name in names where !kept.contains(name) { kept.append(name) }
    return kept
  }
}

/// Choosing from an index.
extension Platform {
  /// The position of the entry to take; nil where nothing in the index fits.
  public func best(of entries: [ContentDescriptor]) -> Int? { ranking(of: entries).first }

  /// Positions of all entries that may be taken, best first: those for this platform by variant, the first of
  /// equals; then indexes in the index that name no platform and must be looked into. In an index in which no
  /// manifest names a platform all of them may be taken, their configuration tells.
  public func ranking(of entries: [ContentDescriptor]) -> [Int] {
    let images = entries.indices.filter { !Self.isAttestation(entries[$0]) }
    var found: [Int] = []
    for wanted in variants {
      found += images.filter { position in
        let (system, architecture, variant) = Self.entry(entries[position])
        return (system == operatingSystem || system.isEmpty) && architecture == self.architecture
          && variant == wanted
      }
    }
    let unnamed = images.filter { entries[$0].architecture.isEmpty }
    found += unnamed.filter { Self.isIndex(entries[$0]) }
    if images.allSatisfy({ entries[$0].architecture.isEmpty }) {
      found += unnamed.filter { !Self.isIndex(entries[$0]) }
    }
    return found
  }

  /// The platforms an index has, for the message that none fits.
  public static func listed(in entries: [ContentDescriptor]) -> [String] {
    distinct(
      entries.filter { !isAttestation($0) && !$0.architecture.isEmpty }.map { entry in
        let (architecture, variant) = normal(entry.architecture, entry.variant)
        let system = entry.operatingSystem.isEmpty ? "linux" : entry.operatingSystem.lowercased()
        return system + "/" + architecture + (variant.isEmpty ? "" : "/" + variant)
      })
  }

  /// What build tools put beside images: statements about them (BuildKit, "Image attestation storage").
  private static func isAttestation(_ entry: ContentDescriptor) -> Bool {
    entry.operatingSystem == "unknown" && entry.architecture == "unknown"
      || entry.annotations.contains { $0.name == "vnd.docker.reference.type" }
  }

  private static func isIndex(_ entry: ContentDescriptor) -> Bool {
    entry.mediaType == "application/vnd.oci.image.index.v1+json"
      || entry.mediaType == "application/vnd.docker.distribution.manifest.list.v2+json"
  }
}
