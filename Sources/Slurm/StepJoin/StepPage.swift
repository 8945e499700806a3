internal import Glibc
public import Linux

/// The small file in memory by which the tasks of a step on one node, and the helper that makes their container, know of
/// each other. Laid out as `struct page` of Sources/SpankPlugin/join.c: three numbers of four bytes.
public struct StepPage: Sendable {
  private let number: Int32

  /// `number`: a descriptor that came with the helper's start.
  public init(number: Int32) { self.number = number }

  /// From now on the process `pid` answers the tasks.
  public func announceAnswerer(_ pid: Int32) throws(SystemCallFault) { try set(pid, at: 4) }

  /// The user has been told why there is no container: tasks end without a word.
  public func setTold() throws(SystemCallFault) { try set(1, at: 8) }

  private func set(_ value: Int32, at offset: Int) throws(SystemCallFault) {
    var failure: SystemCallFault?
    unsafe withUnsafeBytes(of: value) { bytes in
      do throws(SystemCallFault) { try unsafe File.write(bytes, to: number, at: offset) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}
