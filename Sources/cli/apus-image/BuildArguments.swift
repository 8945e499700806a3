internal import Codec
internal import Model

/// The words of `apus build`.
struct BuildArguments {
  var force = false
  var sandbox = false
  var isHelp = false
  var architecture: Architecture?
  var compressor = Compressor.gzip
  var level: Int?
  var threads: Int?
  var target = ""
  var source = ""

  static let usage = """
    Usage: apus build [options] TARGET SOURCE

      Makes a SIF from the root directory of a container or from another image, or with
      --sandbox a directory from an image.

    Options:
      -F, --force             replace TARGET if it exists
      -s, --sandbox           make a directory
          --arch NAME         architecture of the image (default: that of its programs)
          --compress NAME[:LEVEL]
                              gzip (default), zstd, xz, lz4 or lzo
          --threads N         threads that compress (default: processors allowed)

    """

  /// Reads the words behind `build`. Fails with a sentence.
  init(_ words: [String]) throws(UsageProblem) {
    var names: [String] = []
    var rest = words[...]
    var onlyNames = false
    while let word = rest.popFirst() {
      if onlyNames || !word.hasPrefix("-") || word == "-" {
        names.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      func value() throws(UsageProblem) -> String {
        if parts.count > 1 { return parts[1] }
        guard let next = rest.popFirst() else { throw UsageProblem("\(word) needs a value") }
        return next
      }
      switch parts[0] {
      case "--": onlyNames = true
      case "-F", "--force": force = true
      case "-s", "--sandbox": sandbox = true
      case "-sF", "-Fs": (force, sandbox) = (true, true)
      case "-h", "--help": isHelp = true
      case "--arch":
        let name = try value()
        guard let found = Architecture(rawValue: name) else {
          throw UsageProblem("--arch: the architecture \(name) is unknown")
        }
        architecture = found
      case "--compress":
        let text = try value().split(separator: ":", maxSplits: 1).map(String.init)
        guard let found = Compressor(name: text.first ?? ""), BlockEncoder.supported.contains(found) else {
          throw UsageProblem("--compress: choose one of " + BlockEncoder.supported.map(\.name).joined(separator: ", "))
        }
        compressor = found
        if text.count > 1 {
          guard let number = Int(text[1]), (1...22).contains(number) else {
            throw UsageProblem("--compress: \(text[1]) is no level")
          }
          level = number
        }
      case "--threads":
        let text = try value()
        guard let number = Int(text), (1...1024).contains(number) else {
          throw UsageProblem("--threads: \(text) is not from 1 to 1024")
        }
        threads = number
      default: throw UsageProblem("unknown option \(word)")
      }
    }
    if isHelp { return }
    guard names.count == 2 else { throw UsageProblem("it takes a target and a source, \(names.count) given") }
    target = names[0]
    source = names[1]
  }
}

/// Why words make no sense, as a sentence.
struct UsageProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}
