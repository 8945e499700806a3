import Glibc
import SIF

/// libFuzzer's entry: the input is a SIF. Reads its header and descriptors and looks for what a launch needs.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start = unsafe start, count <= 1 << 17 else { return 0 }
  guard ftruncate(file, 0) == 0, unsafe pwrite(file, start, count, 0) == count else { return 0 }
  guard let sif = try? SIFFile.read(descriptor: file, size: count) else { return 0 }
  if (try? sif.primaryPartition()) != nil { found += 1 }
  return 0
}

/// A file without a name, used again for each input.
private let file = memfd_create("image", 0)
/// A result that is used: the optimiser would remove a parser whose result is dropped.
private nonisolated(unsafe) var found = 0
