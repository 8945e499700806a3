internal import Glibc

/// Standard input, output and error.
public enum StandardStreams {
  /// Gives each of the three that is closed a descriptor that execve closes again: what is opened from now on gets another
  /// number, so that no message of ours lands in a file or a socket, and the program finds closed what its caller closed.
  public static func reserveNumbers() {
    for number in [0, 1, 2] as [Int32] where fcntl(number, F_GETFD) < 0 {
      // The lowest number that is free: those below it are open by now.
      _ = try? File.open("/dev/null", O_RDWR).release()
    }
  }
}
