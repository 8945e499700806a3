import Glibc
import Linux
import SIF
import Testing

@testable import Conversion

@Suite struct SIFBeforeTests {
  @Test func `a SIF that could not be added to is what it was`() throws {
    var template = Array("/tmp/apus-before-XXXXXX".utf8CString)
    let file = Descriptor(owning: mkstemp(&template))
    defer { unlink(template) }
    let bytes = (0..<64_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    try File.write(bytes, to: file.number)
    let slot = 4096 + 3 * SIFDescriptor.size
    let before = try SIFBefore(file.number, slot: slot, size: bytes.count)
    let number = file.number
    for (place, count) in [(0, SIFHeader.size), (slot, SIFDescriptor.size), (bytes.count, 1000)] {
      let other = [UInt8](repeating: 0xAA, count: count)
      #expect(pwrite(number, other, count, place) == count)
    }
    before.restore(number)
    #expect(try File.bytes(of: number, count: 100_000) == bytes)
  }
}
