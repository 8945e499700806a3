internal import ImageMount
public import Linux
public import Model

/// Why nothing can be done with an instance.
public enum InstanceFault: Error, Equatable, Sendable {
  case badName(text: String, why: String)
  case unknown(name: String)
  case exists(name: String, pid: Int32)
  /// Another command is starting or removing it.
  case busy(name: String)
  /// None has a name that the pattern means.
  case noneNamed(pattern: String)
  case noName
  case noLogs(path: String, SystemCallFault)
  case logsNotOurs(path: String)
  case noHome
  case badSignal(text: String)
  case badSeconds(text: String)
  case stillRunning(name: String)
  case cannotEnter(name: String, SystemCallFault)
  case container(ContainerFault)

  /// What holds for containers, said of the instance.
  public init(_ fault: ContainerFault, name: String) {
    self =
      switch fault {
      case .unknown: .unknown(name: name)
      case .exists: .exists(name: name, pid: 0)
      case .busy: .busy(name: name)
      case .stillRunning: .stillRunning(name: name)
      default: .container(fault)
      }
  }

  /// Whether the words of the command line make no sense.
  public var isOfUsage: Bool {
    switch self {
    case .badName, .noName, .badSignal, .badSeconds: true
    default: false
    }
  }
}

extension InstanceFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .badName(let text, let why):
      Explanation(
        what: "cannot name an instance \(printable(text))", why: why,
        remedy: "use letters, digits and . _ -, beginning with a letter or a digit")
    case .unknown(let name):
      Explanation(
        what: "cannot find the instance \(name)", why: "none of that name is running here",
        remedy: "`apus instance list` shows those of yours on this node; start it with "
          + "`apus instance start IMAGE \(name)`")
    case .exists(let name, let pid):
      Explanation(
        what: "cannot start the instance \(name)",
        why: pid > 0 ? "one of that name is running (process \(pid))" : "one of that name is running",
        remedy: "stop it with `apus instance stop \(name)`, or choose another name")
    case .busy(let name):
      Explanation(
        what: "cannot use the instance \(name)", why: "another command is starting or removing it",
        remedy: "try again when that is done")
    case .noneNamed(let pattern):
      Explanation(
        what: "cannot stop \(printable(pattern))", why: "no instance is running whose name it means",
        remedy: "`apus instance list` shows those of yours on this node")
    case .noName:
      Explanation(
        what: "nothing to stop", why: "no instance was named", remedy: "name one, or give --all to stop all")
    case .noLogs(let path, let cause):
      Explanation(
        what: "cannot write the logs of the instance in \(printable(path))", why: cause.explanation.why,
        remedy: "name a directory that can be written to with APUS_CONFIGDIR")
    case .logsNotOurs(let path):
      Explanation(
        what: "cannot write the logs of the instance in \(printable(path))",
        why: "the directory belongs to another user",
        remedy: "name a directory of your own with APUS_CONFIGDIR")
    case .noHome:
      Explanation(
        what: "cannot write the logs of the instance", why: "neither APUS_CONFIGDIR nor HOME is set",
        remedy: "set one of them to a directory that can be written to")
    case .badSignal(let text):
      Explanation(
        what: "cannot send the signal \(printable(text))", why: "there is none of that name",
        remedy: "write it as TERM, SIGTERM or 15")
    case .badSeconds(let text):
      Explanation(
        what: "cannot wait for \(printable(text))", why: "it is no number of seconds",
        remedy: "write it as --timeout 10")
    case .stillRunning(let name):
      Explanation(
        what: "cannot stop the instance \(name)", why: "it does not end, although it was killed",
        remedy: "it may wait for storage that does not answer: try again later")
    case .cannotEnter(let name, let cause):
      Explanation(
        what: "cannot enter the instance \(name)", why: cause.explanation.why,
        remedy: cause.explanation.remedy)
    case .container(.place(let fault)):
      Explanation(
        what: fault.explanation.what, why: fault.explanation.why,
        remedy: "have the administrator remove it: instances are kept there, whatever XDG_RUNTIME_DIR says")
    case .container(let fault): fault.explanation
    }
  }
}
