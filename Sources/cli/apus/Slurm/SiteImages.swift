internal import Glibc
internal import ImageMount
internal import Linux
internal import Model
internal import SIF

/// Images that a site keeps on its nodes (`image_path`), by what they are: a user's file may be one of them under
/// another name.
enum SiteImages {
  /// Files looked at in a folder: it holds a site's images, and a folder of something else is not worth a search.
  private static let most = 1000

  /// The path of the site's file that is the same image: equal size and header, which has an id of its own in every
  /// SIF. nil: there is none, or the image has no id.
  static func equal(to image: ImageFile, in folders: [String]) -> String? {
    guard image.isSIF, let header = try? File.bytes(of: image.descriptor, count: SIFHeader.size) else {
      return nil
    }
    for folder in folders {
      guard let directory = try? File.open(folder, O_RDONLY | O_DIRECTORY),
        let names = try? File.names(in: directory)
      else { continue }
      for name in names.prefix(most) {
        guard let facts = try? File.facts(name, from: directory.number), facts.kind == .file,
          facts.size == image.facts.size,
          let file = try? File.open(name, O_RDONLY | O_NONBLOCK, from: directory.number),
          (try? File.bytes(of: file.number, count: SIFHeader.size)) == header
        else { continue }
        return folder + "/" + name
      }
    }
    return nil
  }
}
