internal import Glibc
internal import Linux
internal import Model

/// The certificate authorities that count for a host.
enum TrustStore {
  /// Where distributions keep theirs in one file: Debian, Red Hat (old and new), SUSE, Alpine.
  static let files = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
  ]

  /// A bundle of a distribution has 200 to 400 KiB.
  static let limit = 8 << 20

  static func systemFile(_ transport: TransportOptions) -> String? {
    transport.systemAuthorityFile ?? files.first { unsafe access($0, R_OK) == 0 }
  }

  /// All authorities as one PEM text where files are named beside the system's, else nil.
  static func bundle(_ transport: TransportOptions) throws(HTTPFault) -> [UInt8]? {
    guard !transport.authorityFiles.isEmpty else { return nil }
    var bundle: [UInt8] = []
    for path in (systemFile(transport).map { [$0] } ?? []) + transport.authorityFiles {
      do throws(SystemCallFault) { bundle += try File.readAll(path, limit: limit) } catch {
        throw .file("\(error.explanation.what): \(error.explanation.why)")
      }
      bundle.append(UInt8(ascii: "\n"))
    }
    return bundle
  }
}
