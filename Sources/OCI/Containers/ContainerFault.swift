public import ImageMount
public import Linux
public import Model

/// Why nothing can be done with a container.
public enum ContainerFault: Error, Equatable, Sendable {
  case badID(why: String)
  case unknown(id: String)
  case exists(id: String)
  /// Somebody else is making or removing it at this moment.
  case busy(id: String)
  case status(id: String, is: ContainerStatus, activity: String)
  /// What was started ended, or said why it did not.
  case didNotStart(id: String)
  case stillRunning(id: String)
  case noSuchUser(name: String)
  case notRoot(uid: UInt32)
  case place(RuntimeDirectoryFault)
  case system(SystemCallFault)
}

extension ContainerFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .badID(let why):
      Explanation(
        what: "cannot use this ID for a container", why: why,
        remedy: "use letters, digits and _ . + : @ -, beginning with a letter or a digit")
    case .unknown(let id):
      Explanation(what: "cannot find the container \(id)", why: "there is none of that ID")
    case .exists(let id):
      Explanation(
        what: "cannot create the container \(id)", why: "there is one of that ID",
        remedy: "remove it with apus oci delete \(id), or use another ID")
    case .busy(let id):
      Explanation(
        what: "cannot use the container \(id)", why: "another command is making or removing it",
        remedy: "try again when that is done")
    case .status(let id, let status, let activity):
      Explanation(what: "cannot \(activity) the container \(id)", why: "it is \(status.rawValue)")
    case .didNotStart(let id):
      Explanation(what: "cannot start the container \(id)", why: "its program could not be executed")
    case .stillRunning(let id):
      Explanation(
        what: "cannot delete the container \(id)", why: "its program does not end, although it was killed",
        remedy: "it may wait for storage that does not answer: try again later")
    case .noSuchUser(let name):
      Explanation(
        what: "cannot look for containers of \(printable(name))", why: "there is no user of that name",
        remedy: "give a name or a number with --user")
    case .notRoot(let uid):
      Explanation(
        what: "cannot look for containers of the user \(uid)", why: "only root and the user can",
        remedy: "leave out --user")
    case .place(let fault): fault.explanation
    case .system(let fault): fault.explanation
    }
  }
}
