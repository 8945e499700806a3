internal import Glibc
internal import Model

/// What a program was started with, as it came: texts that need not be UTF-8 (`HostText`).
public enum Inheritance {
  /// The environment, `NAME=value`, before anything changes it.
  public static var environment: [String] {
    // The block ends with NULL (environ(7)).
    unsafe strings(Glibc.environ)
  }

  /// The words, the program's name first.
  public static var arguments: [String] {
    // Set by the C library before main, and ended by NULL (execve(2)).
    unsafe strings(Swift.CommandLine.unsafeArgv)
  }

  private static func strings(_ block: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> [String] {
    var entries: [String] = []
    var next = unsafe block
    while let entry = unsafe next.pointee {
      let count = unsafe strlen(entry)
      // Nearly always UTF-8 without the bytes that stand-ins begin with: then one copy is all it takes.
      if unsafe memchr(entry, 0xF4, count) == nil, let text = unsafe String(validatingCString: entry) {
        entries.append(text)
      } else {
        let bytes = unsafe UnsafeRawBufferPointer(start: entry, count: count)
        entries.append(HostText.decode(unsafe [UInt8](bytes)))
      }
      unsafe next += 1
    }
    return entries
  }
}
