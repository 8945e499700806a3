internal import Cache
internal import Content
internal import Linux
internal import Model
internal import SIF

/// A SIF that comes whole, from a registry, a library or a web server: checked as far as it can be before anybody sees
/// it.
enum SIFDownload {
  /// Writes what `source` gives into `output`, which lies at `path` and must become a SIF or a squashfs. `name` is for
  /// messages; `announced` is how many bytes will come, where that is known.
  static func write(
    _ source: any ByteSource, into output: Int32, at path: String, name: String, announced: Int? = nil,
    progress: (Int) -> Void
  ) throws(BuildFault) {
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    var size = 0
    // A source gives as few bytes at a time as it likes.
    var start: [UInt8] = []
    while true {
      let count: Int
      do throws(ContentFault) { count = try source.read(into: &piece) } catch { throw .content(error) }
      if count == 0 { break }
      if start.count < startSize {
        start += piece[..<min(count, startSize - start.count)]
        if start.count == startSize, !begins(start) { throw .notSIF(name: name) }
      }
      var failure: SystemCallFault?
      unsafe piece.withUnsafeBytes { bytes in
        do throws(SystemCallFault) {
          try unsafe File.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: output, at: size)
        } catch { failure = error }
      }
      if let failure {
        let least = max(announced ?? 0, size + count)
        throw BuildFault.output(path: path, failure).needing { _ in .atLeast(least) }
      }
      size += count
      progress(size)
    }
    guard begins(start) else { throw .notSIF(name: name) }
  }

  /// Bytes that tell a SIF: its magic ends there (sylabs/sif, header).
  private static let startSize = 42

  /// A squashfs begins with its own magic.
  private static func begins(_ start: [UInt8]) -> Bool {
    SIFFile.begins(start) || start.starts(with: "hsqs".utf8)
  }
}
