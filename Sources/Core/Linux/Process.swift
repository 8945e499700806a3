internal import CLinux
internal import Glibc
internal import Model

/// Processes: making, watching, becoming.
public enum Process {
  /// fork(2). The caller must have one thread. Returns 0 in the child.
  public static func fork() throws(SystemCallFault) -> Int32 { try checked(apus_fork(), "fork") }

  /// A child in new namespaces. The caller must have one thread. Returns 0 in the child.
  public static func clone(into kinds: NamespaceKinds) throws(SystemCallFault) -> Int32 {
    try checked(apus_clone_process(kinds.rawValue), "clone")
  }

  /// Starts a program and returns its pid once it runs. `descriptors` become 0, 1 and 2; -1 is /dev/null.
  public static func spawn(
    _ path: String, _ arguments: [String], environment: [String],
    descriptors: (Int32, Int32, Int32) = (0, 1, 2)
  ) throws(SystemCallFault) -> Int32 {
    let argv = CStringArray([path] + arguments)
    let envp = CStringArray(environment)
    let numbers = [descriptors.0, descriptors.1, descriptors.2]
    return try checked(
      unsafe numbers.withUnsafeBufferPointer {
        unsafe apus_spawn(path, argv.pointer, envp.pointer, $0.baseAddress)
      },
      "execve", path)
  }

  /// Whoever ignores SIGCHLD leaves that to the programs it starts (execve(2)); then a child that ends leaves nothing to
  /// wait for. To be called before the first child.
  public static func expectChildren() { _ = Glibc.signal(SIGCHLD, SIG_DFL) }

  /// Waits for a child; its exit code, or 128 + the signal that ended it.
  public static func wait(_ pid: Int32) throws(SystemCallFault) -> Int32 {
    var status: Int32 = 0
    try retrying("waitpid") { unsafe waitpid(pid, &status, 0) }
    return apus_exit_code(status)
  }

  /// Becomes another program. Returns only the reason why not. `arguments` holds argv[0] too.
  ///
  /// `filter`: a program for the kernel, and flags of seccomp(2), that judge every system call from the execution on, and
  /// it too. It stays when the execution fails. All that can be done before is done without it.
  public static func become(
    _ path: String, _ arguments: [String], environment: [String],
    filter: (program: [UInt8], flags: UInt32)? = nil
  ) -> SystemCallFault {
    let argv = CStringArray(arguments)
    let envp = CStringArray(environment)
    if let filter {
      let result = unsafe filter.program.withUnsafeBytes {
        unsafe apus_set_call_filter($0.baseAddress, $0.count, filter.flags)
      }
      if result < 0 { return SystemCallFault("seccomp", "", -result) }
    }
    unsafe execve(path, argv.pointer, envp.pointer)
    return SystemCallFault("execve", path, errno)
  }

  /// When a process was started, in clock ticks since the machine was: with the number it tells a process from every
  /// other (proc_pid_stat(5), fields 3 and 22). nil where there is none, or it has ended and waits for its parent.
  /// `processes`: an open directory of procfs, where the caller's own /proc is another.
  public static func startTicks(of pid: Int32, processes: Int32? = nil) -> UInt64? {
    guard pid > 1, let fields = statFields(of: pid, processes: processes), fields.count > 19,
      !["Z", "X", "x"].contains(fields[0])
    else { return nil }
    return UInt64(fields[19])
  }

  /// What /proc/PID/stat says behind the name of the program: the first is its state, field 3 of proc_pid_stat(5).
  /// `processes`: as above.
  public static func statFields(of pid: Int32, processes: Int32? = nil) -> [Substring]? {
    let path = processes == nil ? "/proc/\(pid)/stat" : "\(pid)/stat"
    guard let bytes = try? File.readAll(path, limit: 1 << 16, from: processes ?? AT_FDCWD),
      // The name, between parentheses, may hold anything.
      let name = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    return String(decoding: bytes[(name + 1)...], as: UTF8.self).fields(at: UInt8(ascii: " "))
      .filter { !$0.isEmpty }
  }

  public static func pidfd(_ pid: Int32) throws(SystemCallFault) -> Descriptor {
    Descriptor(owning: try checked(apus_pidfd_open(pid), "pidfd_open"))
  }

  /// Sends a signal to the process that a descriptor stands for, whatever has its number by now.
  public static func signal(_ process: borrowing Descriptor, _ number: Int32) throws(SystemCallFault) {
    try checked(apus_pidfd_send_signal(process.number, number), "pidfd_send_signal")
  }

  /// Becomes another user, of no groups but the given ones. Of root nothing is left, unless that was told to keep its
  /// capabilities. Only root can.
  public static func takeIdentity(
    uid: UInt32, gid: UInt32, groups: [UInt32] = []
  ) throws(SystemCallFault) {
    // "No change" to the kernel (setresuid(2)): this process would stay what it is.
    guard uid != .max, gid != .max else {
      throw SystemCallFault(uid == .max ? "setresuid" : "setresgid", "", EINVAL)
    }
    try retrying("setgroups") {
      unsafe groups.withUnsafeBufferPointer { unsafe setgroups($0.count, $0.baseAddress) }
    }
    try retrying("setresgid") { setresgid(gid, gid, gid) }
    try retrying("setresuid") { setresuid(uid, uid, uid) }
  }

  /// Leaves the caller's session and terminal.
  public static func startSession() throws(SystemCallFault) { try retrying("setsid") { setsid() } }

  /// Marks every descriptor from `first` on close-on-exec; kernels without close_range(2) get a walk of /proc/self/fd.
  public static func closeOnExec(from first: Int32) {
    // CLOSE_RANGE_CLOEXEC, Linux 5.11
    if apus_close_range(UInt32(first), UInt32.max, 4) >= 0 { return }
    guard let directory = try? File.open("/proc/self/fd", O_RDONLY | O_DIRECTORY),
      let names = try? File.names(in: directory)
    else { return }
    for number in names.compactMap({ Int32($0) }) where number >= first {
      _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    }
  }

  /// Closes every descriptor from `first` to `last`, both included.
  public static func closeAll(from first: Int32, to last: Int32 = .max) {
    guard first <= last else { return }
    if apus_close_range(UInt32(first), UInt32(last), 0) >= 0 { return }
    guard let directory = try? File.open("/proc/self/fd", O_RDONLY | O_DIRECTORY),
      let names = try? File.names(in: directory)
    else { return }
    let listing = directory.number
    for number in names.compactMap({ Int32($0) }) where number >= first && number <= last && number != listing
    {
      close(number)
    }
  }

  /// Closes every descriptor that is not in `kept`.
  public static func closeAll(except kept: [Int32]) {
    var first: Int32 = 0
    for number in kept.sorted() {
      closeAll(from: first, to: number - 1)
      first = number + 1
    }
    closeAll(from: first)
  }

  /// What ps shows as the command; the environment that /proc/PID/environ shows goes.
  public static func setTitle(_ title: String) { unsafe apus_set_title(title) }

  /// Signals, affinity, scheduling class and memory policy of a fresh process, all catchable signals blocked.
  public static func resetInheritedState() { apus_reset_process() }

  /// No execve of this process or its descendants can give rights it does not have (PR_SET_NO_NEW_PRIVS).
  public static func forbidNewPrivileges() throws(SystemCallFault) {
    try checked(apus_prctl(38, 1, 0, 0, 0), "prctl")
  }

  /// Whether that holds for this process already.
  public static var forbidsNewPrivileges: Bool { apus_prctl(39, 0, 0, 0, 0) == 1 }

  /// No system call of this process and its descendants can type into a terminal, whatever the site's kernel allows
  /// (`dev.tty.legacy_tiocsti`). New privileges have to be forbidden already.
  public static func forbidTyping() throws(SystemCallFault) { try checked(apus_refuse_typing(), "seccomp") }

  /// The kernel kills this process when its parent ends (PR_SET_PDEATHSIG). A change of credentials undoes it.
  public static func dieWithParent() throws(SystemCallFault) {
    try checked(apus_prctl(1, UInt(SIGKILL), 0, 0, 0), "prctl")
  }

  /// Orphans among the descendants become this process's children (PR_SET_CHILD_SUBREAPER).
  public static func adoptOrphans() throws(SystemCallFault) {
    try checked(apus_prctl(36, 1, 0, 0, 0), "prctl")
  }

  /// Other processes of the user can neither trace this one nor read its memory (PR_SET_DUMPABLE 0).
  public static func forbidTracing() throws(SystemCallFault) {
    try checked(apus_prctl(4, 0, 0, 0, 0), "prctl")
  }

  /// The short name of the thread, at most 15 bytes (PR_SET_NAME).
  public static func setName(_ name: String) {
    _ = unsafe name.withCString { apus_prctl(15, UInt(bitPattern: $0), 0, 0, 0) }
  }
}

/// A NULL-terminated array of C strings for exec, freed with its owner.
@safe final class CStringArray {
  let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [String]) {
    count = strings.count
    unsafe pointer = .allocate(capacity: count + 1)
    for index in 0..<count {
      guard HostText.isStandingIn(strings[index]) else {
        unsafe pointer[index] = strdup(strings[index])
        continue
      }
      // strdup ends at the first NUL; the one appended ends the bytes in any case.
      let bytes = HostText.bytes(of: strings[index]).map { CChar(bitPattern: $0) } + [0]
      unsafe pointer[index] = bytes.withUnsafeBufferPointer { unsafe strdup($0.baseAddress!) }
    }
    unsafe pointer[count] = nil
  }

  deinit {
    for index in 0..<count { unsafe free(pointer[index]) }
    unsafe pointer.deallocate()
  }
}
