internal import Cache
internal import Codec
internal import CommandLine
internal import Conversion
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import Reference
internal import Settings
internal import SquashfsWriter

/// What the words of a command and the site's settings say of how an image is got and converted.
struct ImageWords {
  let platform: Platform
  let writer: WriterOptions
  /// Bytes of blocks in memory.
  let memory: Int
  let isInsecure: Bool
  let isOffline: Bool
  let usesCache: Bool
  let fixesPermissions: Bool
  let progress: ProgressDisplay.Form
  /// Where files without a name go.
  let scratch: String

  /// `beside`: the target, in whose directory there is room; nil where there is none.
  init(_ parsed: Parsed, _ settings: Settings, beside target: String?, _ output: Output) throws(ValueProblem)
  {
    platform = try Self.platform(parsed)
    writer = try Self.writer(parsed, settings)
    memory = try parsed.value("mem").map { text throws(ValueProblem) in try Self.bytes(text) } ?? 96 << 20
    isInsecure = parsed.isOn("no-https")
    isOffline = parsed.isOn("offline")
    usesCache = !parsed.isOn("disable-cache")
    fixesPermissions = parsed.isOn("fix-perms")
    progress = try Self.progress(parsed.value("progress") ?? "auto", output)
    // Beside the target there is room for it, and for what it is made of.
    scratch =
      parsed.value("tmpdir") ?? target.map { ContainerPath.parent(Self.absolute($0)) } ?? variable("TMPDIR")
      ?? "/tmp"
  }

  static func absolute(_ path: String) -> String {
    ContainerPath.normalized(path, from: File.workingDirectory)
  }

  private static func platform(_ parsed: Parsed) throws(ValueProblem) -> Platform {
    do throws(ReferenceFault) {
      if let text = parsed.value("platform") {
        if parsed.value("arch") != nil { throw ReferenceFault.platform("--arch and --platform together") }
        return try Platform(parsing: text)
      }
      if let name = parsed.value("arch") {
        return try Platform(parsing: "linux/" + name + (parsed.value("arch-variant").map { "/" + $0 } ?? ""))
      }
    } catch { throw ValueProblem(error.explanation.what + ": " + error.explanation.why) }
    return Platform.host(amd64Level: ProcessorLevel.amd64)
  }

  private static func writer(_ parsed: Parsed, _ settings: Settings) throws(ValueProblem) -> WriterOptions {
    var writer = WriterOptions()
    if let text = parsed.value("compressor") ?? settings.compressor {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let found = Compressor(name: parts[0]), BlockEncoder.supported.contains(found) else {
        let names = BlockEncoder.supported.map(\.name).joined(separator: ", ")
        throw ValueProblem("--compressor: \(text) is none of \(names)")
      }
      writer.compressor = found
      if parts.count > 1 {
        let most = highestLevel(found)
        guard let level = Int(parts[1]), (1...most).contains(level) else {
          throw ValueProblem("--compressor: the level \(parts[1]) is not from 1 to \(most)")
        }
        writer.level = level
      }
    }
    if let text = parsed.value("threads") {
      guard let count = Int(text), (1...1024).contains(count) else {
        throw ValueProblem("--threads: \(text) is not from 1 to 1024")
      }
      writer.threads = count
    }
    return writer
  }

  /// The libraries' own scales: libdeflate 12, zstd 22, the presets of xz and lzo 9, lz4 has one.
  private static func highestLevel(_ compressor: Compressor) -> Int {
    switch compressor {
    case .gzip: 12
    case .zstd: 22
    case .lz4: 1
    default: 9
    }
  }

  /// `96M`, `1g`, or bytes.
  private static func bytes(_ text: String) throws(ValueProblem) -> Int {
    let units: [Character: Int] = ["k": 10, "m": 20, "g": 30]
    let last = text.lowercased().last ?? " "
    let shift = units[last] ?? 0
    guard let number = Int(shift > 0 ? String(text.dropLast()) : text), number > 0,
      number <= Int.max >> (shift + 1)
    else { throw ValueProblem("--mem: \(text) is no size like 96M") }
    return number << shift
  }

  private static func progress(
    _ text: String, _ output: Output
  ) throws(ValueProblem) -> ProgressDisplay.Form {
    switch text {
    case "auto": output.level < 1 ? .none : isatty(2) == 1 ? .bars : .lines
    case "plain": output.level < 1 ? .none : .lines
    case "json": .json
    case "none": .none
    default: throw ValueProblem("--progress: \(text) is none of auto, plain, json, none")
    }
  }
}

/// Which programs this processor runs beyond those that every one of its kind does.
enum ProcessorLevel {
  /// The level of x86-64 (psABI, "micro-architecture levels"), from the flags that the kernel lists; 1 on others.
  static var amd64: Int {
    guard Architecture.host == .amd64, let bytes = try? File.readAll("/proc/cpuinfo", limit: 4 << 20) else {
      return 1
    }
    let line = String(decoding: bytes.prefix(16 << 10), as: UTF8.self).split(separator: "\n").first {
      $0.hasPrefix("flags")
    }
    let flags = Set((line ?? "").split(separator: " ").map(String.init))
    let levels: [[String]] = [
      ["cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"],
      ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"],
      ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
    ]
    var level = 1
    for needed in levels {
      guard needed.allSatisfy(flags.contains) else { break }
      level += 1
    }
    return level
  }
}
