internal import Codec
internal import Linux
internal import Squashfs
internal import Synchronization

/// Decodes blocks that will soon be asked for, in a thread of its own that sleeps otherwise.
///
/// Not in the thread that answers: the kernel wakes the reader on the processor of the thread whose answer it waited
/// for, expecting that thread to sleep. One that goes on decoding there holds up the very reader it wants to help, while
/// other processors idle.
final class Ahead: Sendable {
  /// More than this is wanted only by readers that go through large files, which the kernel reads ahead itself.
  private static let most = 32
  private struct State {
    var wanted: [StoredBlock] = []
    var isOver = false
  }

  private let state = Mutex(State())
  private let changed = Condition()

  /// Notes blocks to decode; the thread wakes on a processor that is free.
  func want(_ blocks: some Sequence<StoredBlock>) {
    changed.locked {
      state.withLock { state in
        for block in blocks where state.wanted.count < Self.most { state.wanted.append(block) }
      }
      changed.signal()
    }
  }

  func end() {
    changed.locked {
      state.withLock { $0.isOver = true }
      changed.signal()
    }
  }

  /// The life of the thread.
  func run(_ server: ImageServer) {
    guard let decoder = try? BlockDecoder(server.image.superblock.compressor) else { return }
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(server.image.superblock.blockSize), alignment: 16)
    defer { unsafe scratch.deallocate() }
    while let block = next() {
      _ = try? unsafe server.blocks.block(block, decoder: decoder, scratch: scratch)
    }
  }

  private func next() -> StoredBlock? {
    changed.locked {
      while true {
        let (block, isOver) = state.withLock {
          ($0.wanted.isEmpty ? nil : $0.wanted.removeFirst(), $0.isOver)
        }
        if isOver { return nil }
        if let block { return block }
        changed.wait()
      }
    }
  }
}
