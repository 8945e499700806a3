import Content
import Glibc
import Linux
import Segments

/// libFuzzer's entry: the input is the index of a segment. The file around it is made right, so that the parser is
/// reached.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start = unsafe start, count <= 1 << 16 else { return 0 }
  let index = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  let magic = Array("APUSSEG1".utf8)
  let hasher = DigestHasher()
  index.withUnsafeBytes { hasher.add($0) }
  func little(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
  let data = magic + [UInt8](repeating: 0, count: 8192)
  let bytes = data + index + little(data.count) + little(index.count) + hasher.finishBytes() + magic
  guard ftruncate(file, 0) == 0,
    bytes.withUnsafeBytes({ pwrite(file, $0.baseAddress, $0.count, 0) }) == bytes.count,
    let copy = try? Descriptor.duplicate(of: file)
  else { return 0 }
  let segment = try? Segment.open(copy, name: "fuzz", blockSize: 4096)
  if let segment { found += segment.index.items.count }
  return 0
}

/// A file without a name, used again for each input.
private let file = memfd_create("segment", 0)
/// A result that is used: the optimiser would remove a parser whose result is dropped.
private nonisolated(unsafe) var found = 0
