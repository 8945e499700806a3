internal import Model

extension RegistryClient {
  /// The tags in a page (OCI Distribution Specification, "Listing Tags"); nil where it is no such page. A repository
  /// without tags has null or nothing there.
  static func tags(in page: [UInt8]) -> [String]? {
    guard let json = try? JSON(parsing: page), case .object = json else { return nil }  // no JSON is no page
    guard case .array(let entries)? = json["tags"] else { return [] }
    return entries.compactMap(\.text).filter { (1...128).contains($0.utf8.count) }
  }
}
