internal import Cache
internal import Content
internal import Linux
internal import Model

/// A SIF that comes whole, from a registry, a library or a web server: checked as far as it can be before anybody sees
/// it.
enum SIFDownload {
  /// Writes what `source` gives into `object`, which must become a SIF or a squashfs. `name` is for messages.
  static func write(
    _ source: any ByteSource, into output: Int32, name: String, progress: (Int) -> Void
  ) throws(BuildFault) {
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    var size = 0
    while true {
      let count: Int
      do throws(ContentFault) { count = try source.read(into: &piece) } catch { throw .content(error) }
      if count == 0 { break }
      if size == 0, !begins(piece[..<count]) { throw .notSIF(name: name) }
      var failure: SystemCallFault?
      unsafe piece.withUnsafeBytes { bytes in
        do throws(SystemCallFault) {
          try unsafe File.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: output, at: size)
        } catch { failure = error }
      }
      if let failure { throw .output(path: name, failure) }
      size += count
      progress(size)
    }
    guard size > 0 else { throw .notSIF(name: name) }
  }

  /// A SIF's magic stands at byte 32 (sylabs/sif, header), a squashfs begins with its own.
  private static func begins(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.dropFirst(32).starts(with: "SIF_MAGIC".utf8) || bytes.starts(with: "hsqs".utf8)
  }
}
