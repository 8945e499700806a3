internal import Containers
internal import Glibc
internal import Linux

/// The user whose containers are meant: the one that was named, else the caller. Root becomes that user, with the user's
/// rights alone, so that nothing the user has put there can make it do more.
func becomeUser(named name: String?) throws(ContainerFault) -> UInt32 {
  let own = geteuid()
  guard let name else { return own }
  guard let uid = UInt32(name) ?? User.entry(named: name)?.uid else { throw .noSuchUser(name: name) }
  guard uid != own else { return own }
  guard own == 0 else { throw .notRoot(uid: uid) }
  // nogroup: all of it belongs to the user and is for nobody else.
  do throws(SystemCallFault) { try Process.takeIdentity(uid: uid, gid: 65534) } catch {
    throw .system(error)
  }
  return uid
}
