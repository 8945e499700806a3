internal import CTransfer
internal import Synchronization

/// Connections that rest: a client takes a group of them when it is made and lays it back when it goes, so that the next
/// one, in whatever thread, needs no new handshake.
public final class ConnectionPool: Sendable {
  /// Groups that nobody uses, as the addresses of their C objects: whoever takes one out is its only owner.
  private let idle = Mutex<[UInt]>([])

  /// More are closed: 16 threads may transfer at once.
  private static let limit = 16

  public init() {}

  deinit {
    for address in idle.withLock({ $0 }) { Self.free(address) }
  }

  /// nil without memory.
  func take() -> UInt? {
    if let address = idle.withLock({ $0.popLast() }) { return address }
    return unsafe apus_group_create().map { UInt(bitPattern: $0) }
  }

  func layBack(_ address: UInt) {
    let isKept = idle.withLock { idle in
      if idle.count < Self.limit { idle.append(address) }
      return idle.count <= Self.limit && idle.last == address
    }
    if !isKept { Self.free(address) }
  }

  private static func free(_ address: UInt) {
    // Made from such a pointer in `take`, and taken out of the list by its only owner.
    if let group = unsafe OpaquePointer(bitPattern: address) { unsafe apus_group_free(group) }
  }
}
