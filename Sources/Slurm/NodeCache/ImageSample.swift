public import Linux
internal import Model

/// Sums over parts of a file, by which a copy that was cut or damaged is found without reading all of it.
public enum ImageSample {
  /// The start of a file that holds the magic of a SIF or a squashfs.
  private static let startBytes = 128
  /// Both ends, where headers and tables lie, and pieces at equal distances between them.
  private static let endBytes = 64 << 10
  private static let pieceBytes = 4 << 10
  private static let pieces = 30

  public static func start(of file: Int32) throws(SystemCallFault) -> String {
    var hash = Hash()
    hash.add(try File.bytes(of: file, count: startBytes))
    return hash.hexadecimal
  }

  /// Reads 248 KiB at most.
  public static func sum(of file: Int32, size: Int) throws(SystemCallFault) -> String {
    var hash = Hash()
    for (offset, count) in places(size: size) {
      hash.add(try File.bytes(of: file, at: offset, count: count))
    }
    return hash.hexadecimal
  }

  static func places(size: Int) -> [(offset: Int, count: Int)] {
    guard size > 2 * endBytes + pieces * pieceBytes else { return [(0, size)] }
    let step = (size - 2 * endBytes) / pieces
    let between = (0..<pieces).map { (offset: endBytes + $0 * step, count: pieceBytes) }
    return [(0, endBytes)] + between + [(size - endBytes, endBytes)]
  }
}
