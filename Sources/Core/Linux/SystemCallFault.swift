internal import Glibc
public import Model

/// A system call that failed: which, on what, and the kernel's number for why.
public struct SystemCallFault: Error, Equatable, Sendable {
  public let call: String
  /// The path or thing the call was made on; empty where there is none.
  public let subject: String
  public let number: Int32

  public init(_ call: String, _ subject: String, _ number: Int32) {
    self.call = call
    self.subject = subject
    self.number = number
  }
}

extension SystemCallFault: Explained {
  public var explanation: Explanation {
    Explanation(
      what: subject.isEmpty ? "\(call) failed" : "cannot \(verb) \(printable(subject))",
      why: errorText(number) + " (\(call))",
      remedy: remedy)
  }

  private var verb: String {
    switch call {
    case "open", "openat", "openat2": "open"
    case "read", "pread": "read"
    case "write", "pwrite": "write"
    case "mkdir", "mkdirat": "make the directory"
    case "link", "linkat", "rename", "renameat": "put in place"
    case "mount", "move_mount", "fsmount", "open_tree", "fsopen": "mount"
    default: "use"
    }
  }

  private var remedy: String {
    switch number {
    case ENOENT: "check the path"
    case EACCES, EPERM: "check its owner and permissions"
    case ENOSPC: "free space there, or name another place"
    case EDQUOT: "your quota there is used up: free space, or name another place"
    case EMFILE: "raise the limit of open files (ulimit -n)"
    case EAGAIN where call == "fork" || call == "clone": "raise the limit of processes (ulimit -u)"
    default: ""
    }
  }
}

/// The C library's sentence for an error number.
public func errorText(_ number: Int32) -> String {
  // strerror of known numbers returns a constant string; launches have one thread when they print.
  unsafe String(cString: strerror(number))
}

/// Turns the result of a shim (>= 0, or a negated errno) into a value or a fault.
@discardableResult
package func checked(
  _ result: Int32, _ call: StaticString, _ subject: @autoclosure () -> String = ""
) throws(SystemCallFault) -> Int32 {
  guard result >= 0 else { throw SystemCallFault("\(call)", subject(), -result) }
  return result
}

/// Runs a call of the C library that returns -1 and sets errno, again for as long as a signal interrupts it.
@discardableResult
package func retrying<T: SignedInteger>(
  _ call: StaticString, _ subject: @autoclosure () -> String = "", _ body: () -> T
) throws(SystemCallFault) -> T {
  while true {
    let result = body()
    if result >= 0 { return result }
    let number = errno
    if number != EINTR { throw SystemCallFault("\(call)", subject(), number) }
  }
}
