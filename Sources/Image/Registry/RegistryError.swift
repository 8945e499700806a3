internal import Model

/// One entry of the list of errors in a registry's answer (OCI Distribution Specification, "Error Codes").
public struct RegistryError: Equatable, Sendable {
  /// `MANIFEST_UNKNOWN`
  public let code: String
  public let message: String

  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }

  /// Bodies beyond that say nothing.
  static let bodyLimit = 64 << 10
  private static let countLimit = 4
  private static let textLimit = 300

  /// What a body says, nothing where it is no such list. Texts are cut, and safe for a terminal.
  static func parse(_ body: [UInt8]) -> [RegistryError] {
    // Many proxies answer with a page for people.
    guard let json = try? JSON(parsing: body) else { return [] }
    if case .array(let entries)? = json["errors"] {
      return entries.prefix(countLimit).compactMap {
        let error = RegistryError(code: short($0["code"]?.text), message: short($0["message"]?.text))
        return error.code.isEmpty && error.message.isEmpty ? nil : error
      }
    }
    // Token servers (RFC 6749, section 5.2) and some proxies.
    let message = short(json["error_description"]?.text ?? json["details"]?.text ?? json["message"]?.text)
    let code = short(json["error"]?.text)
    return code.isEmpty && message.isEmpty ? [] : [RegistryError(code: code, message: message)]
  }

  var text: String { code.isEmpty ? message : message.isEmpty ? code : code + ": " + message }

  private static func short(_ text: String?) -> String {
    guard let text else { return "" }
    return printable(String(String.UnicodeScalarView(text.unicodeScalars.prefix(textLimit))))
  }
}
