internal import Codec
internal import CommandLine
internal import Model
internal import SquashfsWriter

/// The words of `apus build`, with their values understood.
struct BuildArguments {
  let force: Bool
  let sandbox: Bool
  let architecture: Architecture?
  let writer: WriterOptions
  let target: String
  let source: String

  /// Fails with a sentence about the first value that makes no sense.
  init(_ parsed: Parsed) throws(ValueProblem) {
    force = parsed.isOn("force")
    sandbox = parsed.isOn("sandbox")
    target = parsed.operands[0]
    source = parsed.operands[1]
    if let name = parsed.value("arch") {
      guard let found = Architecture(rawValue: name) else {
        throw ValueProblem(
          "--arch: \(name) is none of " + Architecture.allCases.map(\.rawValue).joined(separator: ", "))
      }
      architecture = found
    } else {
      architecture = nil
    }
    var writer = WriterOptions()
    if let text = parsed.value("compressor") {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let found = Compressor(name: parts[0]), BlockEncoder.supported.contains(found) else {
        let names = BlockEncoder.supported.map(\.name).joined(separator: ", ")
        throw ValueProblem("--compressor: \(text) is none of \(names)")
      }
      writer.compressor = found
      if parts.count > 1 {
        let most = Self.highestLevel(found)
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
    self.writer = writer
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
}

/// Why a value makes no sense, as a sentence.
struct ValueProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}
