internal import Codec
internal import Linux
internal import Squashfs
internal import Synchronization
internal import Tree

/// Writes the contents of all files: threads read and compress units of the plan in any order, and whoever finishes
/// the one that is next brings them into order and writes them out.
final class DataWriter: Sendable {
  /// A place in the order of the image.
  private enum Slot: Sendable {
    case ready(Packer.Item, StoredSize, [UInt8])
    case pending(Packer.Item)
  }

  private struct State: Sendable {
    /// The next unit nobody has taken, and the next to be packed.
    var nextUnit = 0
    var nextPacked = 0
    var products: [Int: Packer.Product] = [:]
    /// Fragments to compress: numbers of slots.
    var fragments: [Int] = []
    /// What waits to be written: slot `firstSlot` first.
    var slots: [Slot] = []
    var firstSlot = 0
    var isFlushed = false
    /// Somebody packs and writes.
    var isAdvancing = false
    var fragmentTable: [Fragment] = []
    var position: Int
    var hash = ContentHash()
    var failure: WriterFault?
    var running = 0
  }

  private enum Job: Sendable {
    case unit(Int)
    case fragment(slot: Int, bytes: [UInt8])
    case wait, end
  }

  private let plan: DataPlan
  private let options: WriterOptions
  private let output: Int32
  private let offset: Int
  private let state: Mutex<State>
  private let packer: Mutex<Packer>
  private let signal = Signal()

  struct Result {
    let placements: [FilePlacement]
    let fragments: [Fragment]
    /// Where the next byte goes, from the start of the image.
    let end: Int
    let hash: ContentHash
  }

  /// `output`: an open file; the image begins at `offset` of it, its data at `start` of the image.
  static func write(
    _ plan: DataPlan, _ options: WriterOptions, to output: Int32, offset: Int, start: Int
  ) throws(WriterFault) -> Result {
    let writer = DataWriter(plan, options, output, offset, start)
    try writer.run()
    let (fragments, end, hash) = writer.state.withLock { ($0.fragmentTable, $0.position, $0.hash) }
    let placements = writer.packer.withLock { packer in
      packer.settleRepeats()
      return packer.placements
    }
    return Result(placements: placements, fragments: fragments, end: end, hash: hash)
  }

  private init(_ plan: DataPlan, _ options: WriterOptions, _ output: Int32, _ offset: Int, _ start: Int) {
    self.plan = plan
    self.options = options
    self.output = output
    self.offset = offset
    state = Mutex(State(position: start))
    packer = Mutex(Packer(plan))
  }

  private func run() throws(WriterFault) {
    let extra = max(0, min(options.threads - 1, plan.units.count))
    for _ in 0..<extra {
      state.withLock { $0.running += 1 }
      do throws(SystemCallFault) {
        try Thread.start {
          self.work()
          self.state.withLock { $0.running -= 1 }
          self.signal.raise()
        }
      } catch {
        // Fewer threads do the same work.
        state.withLock { $0.running -= 1 }
        break
      }
    }
    work()
    while true {
      let seen = signal.current
      if state.withLock({ $0.running }) == 0 { break }
      signal.wait(after: seen)
    }
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  private func work() {
    // `supported` was asked before; only memory can be missing.
    guard let encoder = BlockEncoder(options.compressor, level: options.level) else {
      return fail(.compressor(options.compressor))
    }
    advance()
    while true {
      let seen = signal.current
      switch state.withLock({ nextJob(&$0) }) {
      case .unit(let index):
        do throws(TreeFault) {
          let product = try produce(plan.units[index], encoder)
          state.withLock { $0.products[index] = product }
        } catch { fail(.tree(error)) }
      case .fragment(let slot, let bytes):
        let stored = encoded(bytes, with: encoder)
        state.withLock { state in
          let place = slot - state.firstSlot
          guard case .pending(let item) = state.slots[place] else { return }
          let size = StoredSize(bytes: stored?.count ?? bytes.count, isCompressed: stored != nil)
          state.slots[place] = .ready(item, size, stored ?? bytes)
        }
      case .wait:
        signal.wait(after: seen)
        continue
      case .end: return
      }
      advance()
      signal.raise()
    }
  }

  private func fail(_ fault: WriterFault) {
    state.withLock { if $0.failure == nil { $0.failure = fault } }
    signal.raise()
  }

  /// Units in flight: enough to keep all threads busy while one large unit holds up the order.
  private var window: Int { options.threads * 4 + 8 }

  private func nextJob(_ state: inout State) -> Job {
    if state.failure != nil { return .end }
    if let slot = state.fragments.first {
      state.fragments.removeFirst()
      if case .pending(.fragment(_, let bytes)) = state.slots[slot - state.firstSlot] {
        return .fragment(slot: slot, bytes: bytes)
      }
    }
    if state.nextUnit < plan.units.count {
      guard state.nextUnit < state.nextPacked + window, state.slots.count < window * 4 else { return .wait }
      defer { state.nextUnit += 1 }
      return .unit(state.nextUnit)
    }
    return state.isFlushed && state.slots.isEmpty && !state.isAdvancing ? .end : .wait
  }
}

/// Making the product of a unit.
extension DataWriter {
  private func produce(_ unit: DataPlan.Unit, _ encoder: BlockEncoder) throws(TreeFault) -> Packer.Product {
    switch unit {
    case .small(let files): return try readSmall(files)
    case .blocks(let file, let first, let count):
      let reader = try plan.contents[file].open()
      var blocks: [(size: StoredSize, bytes: [UInt8])] = []
      for block in first..<first + count {
        let bytes = try Self.read(
          reader, at: block * plan.blockSize, count: plan.size(ofBlock: block, of: file))
        if isZero(bytes) {
          blocks.append((StoredSize(rawValue: 0), []))
        } else if let stored = encoded(bytes, with: encoder) {
          blocks.append((StoredSize(bytes: stored.count, isCompressed: true), stored))
        } else {
          blocks.append((StoredSize(bytes: bytes.count, isCompressed: false), bytes))
        }
      }
      return .blocks(blocks)
    }
  }

  private func readSmall(_ files: [Int]) throws(TreeFault) -> Packer.Product {
    let total = files.reduce(0) { $0 + plan.contents[$1].size }
    var hashes: [ContentHash] = []
    var failure: TreeFault?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: total) { buffer, initialized in
      initialized = 0
      for file in files {
        let size = plan.contents[file].size
        let room = unsafe UnsafeMutableRawBufferPointer(
          UnsafeMutableBufferPointer(rebasing: buffer[initialized..<initialized + size]))
        do throws(TreeFault) {
          try unsafe plan.contents[file].open().read(at: 0, into: room)
        } catch {
          failure = error
          return
        }
        var hash = ContentHash()
        unsafe hash.add(UnsafeRawBufferPointer(room))
        hashes.append(hash)
        initialized += size
      }
    }
    if let failure { throw failure }
    return .small(bytes: bytes, hashes: hashes)
  }

  private static func read(
    _ reader: borrowing ContentReader, at offset: Int, count: Int
  ) throws(TreeFault) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: TreeFault?
    unsafe bytes.withUnsafeMutableBytes { room in
      do throws(TreeFault) { try unsafe reader.read(at: offset, into: room) } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }
}

/// Bringing into order and writing out: one thread at a time.
extension DataWriter {
  private enum Step: Sendable {
    case pack(Int, Packer.Product)
    case flush
    case write([(item: Packer.Item, size: StoredSize, bytes: [UInt8])], at: Int)
    case nothing
  }

  private func advance() {
    guard
      state.withLock({ state in
        defer { state.isAdvancing = true }
        return !state.isAdvancing
      })
    else { return }
    while true {
      switch state.withLock({ nextStep(&$0) }) {
      case .pack(let unit, let product):
        let items = packer.withLock { $0.take(product, of: plan.units[unit]) }
        queue(items)
      case .flush: queue(packer.withLock { $0.seal() })
      case .write(let ready, let start): write(ready, at: start)
      case .nothing: return
      }
    }
  }

  private func nextStep(_ state: inout State) -> Step {
    if state.failure == nil {
      var ready: [(item: Packer.Item, size: StoredSize, bytes: [UInt8])] = []
      let start = state.position
      for slot in state.slots {
        guard case .ready(let item, let size, let bytes) = slot else { break }
        if case .fragment = item {
          state.fragmentTable.append(Fragment(start: UInt64(state.position), stored: size))
        }
        state.position += bytes.count
        ready.append((item, size, bytes))
      }
      if !ready.isEmpty {
        state.slots.removeFirst(ready.count)
        state.firstSlot += ready.count
        return .write(ready, at: start)
      }
      if let product = state.products.removeValue(forKey: state.nextPacked) {
        state.nextPacked += 1
        return .pack(state.nextPacked - 1, product)
      }
      if state.nextPacked == plan.units.count, !state.isFlushed {
        state.isFlushed = true
        return .flush
      }
    }
    state.isAdvancing = false
    return .nothing
  }

  private func queue(_ items: [Packer.Item]) {
    state.withLock { state in
      for item in items {
        switch item {
        case .block(_, _, let size, let bytes): state.slots.append(.ready(item, size, bytes))
        case .fragment:
          state.fragments.append(state.firstSlot + state.slots.count)
          state.slots.append(.pending(item))
        }
      }
    }
    signal.raise()
  }

  private func write(_ ready: [(item: Packer.Item, size: StoredSize, bytes: [UInt8])], at start: Int) {
    var position = start
    var hash = state.withLock { $0.hash }
    var failure: SystemCallFault?
    for (item, _, bytes) in ready {
      if case .block(let file, true, _, _) = item {
        packer.withLock { $0.setStart(of: file, UInt64(position)) }
      }
      guard !bytes.isEmpty, failure == nil else { continue }
      unsafe bytes.withUnsafeBytes { bytes in
        unsafe hash.add(bytes)
        do throws(SystemCallFault) { try unsafe File.write(bytes, to: output, at: offset + position) } catch {
          failure = error
        }
      }
      position += bytes.count
    }
    let result = hash
    state.withLock { $0.hash = result }
    if let failure { fail(.write(failure)) }
  }
}
