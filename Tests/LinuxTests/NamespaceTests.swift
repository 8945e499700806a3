import Foundation
import Glibc
import Testing

@testable import Linux

@Suite struct NamespaceTests {
  /// Sends a datagram to this thread's own loopback device; 0, or why that failed.
  static func knock() -> Int32 {
    let plug = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(plug) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(9).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(plug, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return result == 0 ? 0 : errno
  }

  /// Only root may leave the host's network without a user namespace, which a process of many threads cannot make.
  @Test(.enabled(if: geteuid() == 0, "needs root"))
  func `a network of one's own has a loopback device once it is switched on`() {
    final class Findings: @unchecked Sendable {
      var before: Int32 = -1
      var after: Int32 = -1
      var isMade = false
    }
    let findings = Findings()
    let done = DispatchSemaphore(value: 0)
    // A thread's own namespace, gone with it.
    let thread = Thread {
      findings.isMade = (try? Namespace.unshare(.network)) != nil
      if findings.isMade {
        findings.before = Self.knock()
        try? Namespace.raiseLoopback()
        findings.after = Self.knock()
      }
      done.signal()
    }
    thread.start()
    done.wait()
    #expect(findings.isMade)
    #expect(findings.before == ENETUNREACH)
    #expect(findings.after == 0)
  }
}
