internal import Glibc
internal import Linux
internal import Model

extension HandedImage {
  /// Takes the descriptor over.
  func take() throws(ImageFault) -> Descriptor {
    guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else {
      throw .open(SystemCallFault("fcntl", path, errno))
    }
    return Descriptor(owning: number)
  }
}
