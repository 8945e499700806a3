internal import Glibc
internal import Linux
internal import Model

/// A pair with many users: outer maps root to the caller and those behind it to the caller's subordinate ids, inner
/// maps all of them to themselves.
extension NamespacePair {
  /// Makes the pair; the caller, which has one thread, stays where it is. The set-uid programs newuidmap(1) and
  /// newgidmap(1) map for a process that is not their parent's: a child of the caller makes outer, and one of that inner.
  static func make(_ ids: IDMap, _ mappers: IDMappers) throws(MountFault) -> OpenPair {
    let (near, child) = try attempt { () throws(SystemCallFault) in
      let (near, far) = try Socket.pair()
      let child = try Process.fork()
      if child == 0 {
        close(near)
        makePair(ids, answer: far)
      }
      close(far)
      return (near, child)
    }
    // The end of the socket ends the child, if it is there still.
    defer {
      close(near)
      _ = try? Process.wait(child)
    }
    let first = try attempt { () throws(SystemCallFault) in try Socket.receive(limit: 2, from: near).bytes }
    guard first == [1] else {
      throw .namespaces(SystemCallFault("unshare", "", first.last.map { Int32($0) } ?? EINVAL))
    }
    try map(mappers.users, child, ids.users)
    try map(mappers.groups, child, ids.groups)
    return try attempt { () throws(SystemCallFault) in
      let outer = try File.open("/proc/\(child)/ns/user")
      try Socket.send([1], to: near)
      let answer = try Socket.receive(limit: 1, from: near)
      guard let inner = answer.descriptors.first else { throw SystemCallFault("unshare", "", EPERM) }
      return OpenPair(outer: outer.release(), inner: inner)
    }
  }

  private static func attempt<Value>(
    _ work: () throws(SystemCallFault) -> Value
  ) throws(MountFault) -> Value {
    do throws(SystemCallFault) { return try work() } catch {
      throw .setup(activity: "make the namespaces of --fakeroot", error)
    }
  }

  /// The life of the child: outer is the namespace it is in.
  private static func makePair(_ ids: IDMap, answer: Int32) -> Never {
    do throws(SystemCallFault) { try Namespace.unshare(.user) } catch {
      try? Socket.send([0, UInt8(truncatingIfNeeded: error.number)], to: answer)
      _exit(1)
    }
    do throws(SystemCallFault) {
      try Socket.send([1], to: answer)
      // No word: it could not be mapped.
      guard try !Socket.receive(limit: 1, from: answer).bytes.isEmpty else { _exit(1) }
      let (near, far) = try Socket.pair()
      let child = try Process.fork()
      if child == 0 {
        close(near)
        if (try? Namespace.unshare(.user)) != nil { try? Socket.send([1], to: far) }
        // Until it has been mapped and opened.
        _ = try? Socket.receive(limit: 1, from: far)
        _exit(0)
      }
      close(far)
      guard try !Socket.receive(limit: 1, from: near).bytes.isEmpty else { _exit(1) }
      let process = try File.open("/proc/\(child)", O_PATH | O_DIRECTORY)
      try Namespace.map(users: ids.users.identity, groups: ids.groups.identity, process: process.number)
      let inner = try File.open("ns/user", from: process.number)
      try Socket.send([1], descriptors: [inner.number], to: answer)
      close(near)
      _ = try Process.wait(child)
      _exit(0)
    } catch { _exit(1) }
  }

  /// Has newuidmap or newgidmap write a map.
  private static func map(
    _ program: String, _ process: Int32, _ extents: [IDMap.Extent]
  ) throws(MountFault) {
    let said: (code: Int32, bytes: [UInt8])
    do throws(SystemCallFault) {
      said = try Process.output(
        of: program, ["\(process)"] + extents.words, environment: ["PATH=/usr/bin:/bin", "LC_ALL=C"],
        limit: 65536, seconds: nil, hearing: .errors)
    } catch { throw .mapRefused(why: "\(program) cannot be run (\(errorText(error.number)))") }
    guard said.code != 0 else { return }
    let line = String(decoding: said.bytes, as: UTF8.self).lines.first.map(String.init) ?? ""
    throw .mapRefused(why: "\(program) failed" + (line.isEmpty ? "" : " (\(printable(line)))"))
  }
}
