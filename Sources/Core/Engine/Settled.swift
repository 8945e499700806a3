internal import Glibc
public import Linux
public import Model

/// A container that stands without a program, for whoever starts one there.
public struct Settled: ~Copyable {
  public let container: StandingContainer
  /// Open directory of the host's procfs.
  public let processes: Descriptor
  /// The working directory of programs, a path of the container.
  public let directory: String
}

extension Engine {
  /// Carries out `plan` up to the start of its program, in this process, which then is inside.
  public static func settle(
    _ plan: Plan, in entered: consuming Entered, trace: Trace? = nil, report: (Notice) -> Void
  ) throws(EngineFault) -> Settled {
    let isPrivileged = entered.isPrivileged
    // Opened before the root changes: the container may have no /proc.
    let processes = try kept { () throws(SystemCallFault) in try File.open("/proc", O_PATH | O_DIRECTORY) }
    let process = try kept { () throws(SystemCallFault) in try File.open("/proc/self", O_PATH | O_DIRECTORY) }
    let outer: Int32? =
      isPrivileged
      ? nil : try kept { () throws(SystemCallFault) in try Namespace.current("user") }.release()
    try unshare(plan.namespaces)
    // Tasks and saving want the mounts as the outer namespace has them.
    try setUp(plan, entered, letsMount: false, trace: trace, report: report)
    do throws(SystemCallFault) {
      func namespace(_ kind: NamespaceStep.Kind, _ name: String) throws(SystemCallFault) -> Int32? {
        guard plan.namespaces.contains(where: { $0.kind == kind }) else { return nil }
        return try File.open("ns/" + name, from: process.number).release()
      }
      let container = StandingContainer(
        outer: outer, mount: try File.open("ns/mnt", from: process.number).release(),
        inner: isPrivileged ? nil : try File.open("ns/user", from: process.number).release(),
        ipc: try namespace(.ipc, "ipc"), uts: try namespace(.uts, "uts"),
        network: try namespace(.network, "net"))
      return Settled(
        container: container, processes: processes,
        directory: Program(plan: plan.program, trace: nil).workingDirectory)
    } catch { throw .setup(activity: "keep the namespaces of the container", cause: error) }
  }

  private static func kept(
    _ open: () throws(SystemCallFault) -> Descriptor
  ) throws(EngineFault) -> Descriptor {
    do throws(SystemCallFault) { return try open() } catch {
      throw .setup(activity: "keep the namespaces of the container", cause: error)
    }
  }
}
