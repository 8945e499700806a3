internal import Content

/// Why the next entry does not come: its bytes do not, or they are refused.
enum TarFailure: Error {
  case content(ContentFault)
  case entry(EntryFault)

  /// Does what can only refuse.
  static func parsing<R>(_ body: () throws(EntryFault) -> R) throws(TarFailure) -> R {
    do throws(EntryFault) { return try body() } catch { throw .entry(error) }
  }
}

/// Reads ahead of a source, so that headers come without a call each and large contents without a copy.
@safe final class BlockBuffer {
  private let source: any ByteSource
  private let bytes: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  /// Bytes taken so far.
  private(set) var offset = 0

  private static let size = 128 << 10
  /// A room from this size on is filled by the source itself.
  private static let directSize = 32 << 10

  init(_ source: any ByteSource) {
    self.source = source
    unsafe bytes = .allocate(byteCount: Self.size, alignment: 16)
  }

  deinit { unsafe bytes.deallocate() }

  /// The next `count` bytes without taking them, fewer at the end of the source. `count`: up to a block.
  func peek(_ count: Int) throws(TarFailure) -> [UInt8] {
    while end - start < count {
      if start > 0 {
        unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        end -= start
        start = 0
      }
      let got = try unsafe read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[end...]))
      if got == 0 { break }
      end += got
    }
    return unsafe Array(bytes[start..<min(end, start + count)])
  }

  /// Takes the next bytes, at least one; 0 at the end of the source.
  func take(into room: UnsafeMutableRawBufferPointer) throws(TarFailure) -> Int {
    if start == end, room.count >= Self.directSize {
      let count = try unsafe read(into: room)
      offset += count
      return count
    }
    let count = min(room.count, try fill())
    unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
    start += count
    offset += count
    return count
  }

  /// Takes `count` bytes, which the caller has bounded.
  func take(_ count: Int) throws(TarFailure) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: count)
    var failure: TarFailure?
    unsafe out.withUnsafeMutableBytes { room in
      var done = 0
      do throws(TarFailure) {
        while done < count {
          let got = try unsafe take(into: UnsafeMutableRawBufferPointer(rebasing: room[done...]))
          if got == 0 { throw .entry(.truncated) }
          done += got
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return out
  }

  /// Passes over `count` bytes.
  func skip(_ count: Int) throws(TarFailure) {
    var left = count
    while left > 0 {
      if start == end, left >= Self.directSize {
        let step: Int
        do throws(ContentFault) { step = try source.skip(left) } catch { throw .content(error) }
        if step == 0 { throw .entry(.truncated) }
        offset += step
        left -= step
        continue
      }
      let step = min(left, try fill())
      if step == 0 { throw .entry(.truncated) }
      start += step
      offset += step
      left -= step
    }
  }

  /// Bytes at hand, at least one but at the end.
  private func fill() throws(TarFailure) -> Int {
    if start == end {
      start = 0
      end = 0
      end = try unsafe read(into: bytes)
    }
    return end - start
  }

  private func read(into room: UnsafeMutableRawBufferPointer) throws(TarFailure) -> Int {
    do throws(ContentFault) { return try unsafe source.read(into: room) } catch { throw .content(error) }
  }
}
