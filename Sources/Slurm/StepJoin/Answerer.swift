internal import Glibc
internal import Linux

/// The process that lets the tasks of a step into the container, from inside it. It ends when all have entered, or when
/// the step ends without that; it holds nothing up.
public struct Answerer {
  private let socket: Int32
  private let tasks: Int
  private var entered = 0

  /// Whether every task has got its answer.
  public var letAllIn: Bool { entered >= tasks }

  /// Why an answerer has nothing left to do.
  public enum End: Equatable, Sendable {
    /// Every task has got its answer.
    case allEntered
    /// The last task has ended (`staysToTheEnd`), or the step has gone.
    case stepEnded
  }

  /// `socket`: the helper's end of the pair; `tasks`: how many tasks the step has on this node.
  public init(socket: Int32, tasks: Int) {
    self.socket = socket
    self.tasks = tasks
  }

  /// Answers until the end. `staysToTheEnd`: until the last task has ended instead of entered.
  public mutating func serve(_ answer: StepAnswer, staysToTheEnd: Bool) -> End {
    while true {
      // No bytes: every holder of the other end is gone, slurmstepd included.
      guard let message = try? Socket.receive(limit: 1, from: socket), let word = message.bytes.first else {
        return .stepEnded
      }
      for stray in message.descriptors { close(stray) }
      switch word {
      case UInt8(ascii: "J"):
        // A task that has died meanwhile does not take its answer; another may.
        try? answer.send(to: socket)
        entered += 1
        if entered >= tasks, !staysToTheEnd { return .allEntered }
      case UInt8(ascii: "E"): return .stepEnded
      default: break
      }
    }
  }

  /// Tells slurmstepd, which waits for it, that what had to be done after the last task is done.
  public func tellDone() { try? Socket.send([UInt8(ascii: "D"), 0], to: socket) }
}
