public import Cache
public import Content
public import Layers
public import Linux
public import Model
public import Reference
public import Registry
public import SIF
public import Segments
public import Squashfs
public import SquashfsWriter
public import Tree

/// Why an image or a directory could not be made.
public enum BuildFault: Error, Equatable, Sendable {
  /// The target is there and nobody asked to replace it.
  case targetExists(path: String)
  /// The target is there and is of another kind than what would replace it.
  case targetIsDirectory(path: String)
  case targetIsNoDirectory(path: String)
  case source(path: String, SystemCallFault)
  /// What is unpacked into a directory must be an image.
  case sourceIsDirectory(path: String)
  /// Neither a directory nor an image.
  case unknownSource(path: String)
  /// What is stored in a registry is a SIF.
  case notPushed(path: String)
  case output(path: String, SystemCallFault)
  /// A disk or a quota is full.
  case noSpace(Shortage)
  case architecture(code: String)
  case unpack(path: String, SystemCallFault)
  /// An image whose directories go in circles, or deeper than any path.
  case directoryLoop(path: String)
  case tree(TreeFault)
  case layer(LayerFault)
  case segment(SegmentFault)
  case content(ContentFault)
  case cache(CacheFault)
  case oci(OCIFault)
  case registry(RegistryFault)
  case reference(ReferenceFault)
  /// What came is neither a SIF nor a squashfs.
  case notSIF(name: String)
  /// `shub://`
  case hubIsGone(String)
  /// A source whose place the site has not named.
  case noLibrary(name: String)
  /// It was in the cache a moment ago.
  case vanished(name: String)
  case daemon(name: String, why: String, remedy: String)
  /// Not in the cache, and no host may be asked.
  case offline(name: String)
  /// A file that is no archive of images, or only half of one.
  case notAnArchive(path: String, why: String)
  /// An archive or layout with several images, or without the one that was asked for.
  case selection(path: String, wanted: String?, has: [String])
  /// A layer is not the one that the configuration names.
  case difference(layer: String, expected: Digest, found: Digest)
  case writer(WriterFault)
  case sif(SIFFault)
  case squashfs(path: String, SquashfsFault)
}

extension BuildFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .targetExists(let path):
      Explanation(
        what: "cannot build \(printable(path))", why: "it exists already",
        remedy: "give --force to replace it, or another name")
    case .targetIsDirectory(let path):
      Explanation(
        what: "cannot build \(printable(path))", why: "it is a directory, and --force replaces only files",
        remedy: "remove it, or give --sandbox to make a directory")
    case .targetIsNoDirectory(let path):
      Explanation(
        what: "cannot build \(printable(path))",
        why: "it is no directory, and --sandbox --force replaces only those",
        remedy: "remove it, or give another name")
    case .source(let path, let fault):
      Explanation(
        what: "cannot open \(printable(path))", why: fault.explanation.why, remedy: fault.explanation.remedy)
    case .sourceIsDirectory(let path):
      Explanation(
        what: "cannot build a sandbox from \(printable(path))",
        why: "it is a directory, and --sandbox takes an image: a SIF or a squashfs",
        remedy:
          "a root directory is a sandbox already: copy it with cp -a, or leave out --sandbox to make a SIF")
    case .unknownSource(let path):
      Explanation(
        what: "cannot build from \(printable(path))", why: "it is neither a directory, a SIF nor a squashfs",
        remedy: "give the root directory of a container or an image")
    case .notPushed(let path):
      Explanation(
        what: "cannot push \(printable(path))", why: "it is no SIF",
        remedy: "make one of it first: apus build IMAGE.sif \(printable(path))")
    case .output(let path, let fault):
      Explanation(
        what: "cannot write \(printable(path))", why: fault.explanation.why, remedy: fault.explanation.remedy)
    case .noSpace(let shortage): shortage.explanation
    case .architecture(let code):
      Explanation(
        what: "cannot build the SIF", why: "the architecture code \"\(printable(code))\" is unknown")
    case .unpack(let path, let fault):
      Explanation(
        what: "cannot unpack \(printable(path))", why: fault.explanation.why, remedy: fault.explanation.remedy
      )
    case .directoryLoop(let path):
      Explanation(
        what: "cannot unpack \(printable(path))",
        why: "the directories of the image go in circles or too deep",
        remedy: "the image is damaged or was made to mislead: get it anew from where it came")
    case .tree(let fault): fault.explanation
    case .layer(let fault): fault.explanation
    case .segment(let fault): fault.explanation
    case .content(let fault): fault.explanation
    case .cache(let fault): fault.explanation
    case .oci(let fault): fault.explanation
    case .registry(let fault): fault.explanation
    case .reference(let fault): fault.explanation
    case .notSIF(let name):
      Explanation(
        what: "cannot use \(printable(name))", why: "what came is neither a SIF nor a squashfs",
        remedy: "check the address: a page that asks to log in looks like this")
    case .hubIsGone(let name):
      Explanation(
        what: "cannot get shub://\(printable(name))", why: "Singularity Hub was closed in 2021",
        remedy: "look for the image in a container registry and use docker:// or oras://")
    case .noLibrary(let name):
      Explanation(
        what: "cannot get \(printable(name))", why: "this site names no library",
        remedy: "ask the administrator to set \"library uri\" in apus.conf, or give --library URL")
    case .vanished(let name):
      Explanation(
        what: "cannot use \(printable(name))", why: "it was removed from the cache while it was being used",
        remedy: "try again")
    case .daemon(let name, let why, let remedy):
      Explanation(what: "cannot get \(printable(name)) from the daemon", why: printable(why), remedy: remedy)
    case .offline(let name):
      Explanation(
        what: "cannot use \(printable(name))", why: "it is not in the cache, and --offline asks no host",
        remedy: "pull it where there is a network; `apus cache list -v` shows what is here")
    case .notAnArchive(let path, let why):
      Explanation(
        what: "cannot read images from \(printable(path))", why: printable(why),
        remedy:
          "save the image anew; docker-archive: reads `docker save`, oci-archive: and oci: read OCI layouts")
    case .selection(let path, let wanted, let has):
      Explanation(
        what: "cannot tell which image of \(printable(path)) is meant",
        why: wanted.map { "it has none called \(printable($0))" }
          ?? (has.isEmpty ? "it holds none" : "it holds more than one"),
        remedy: has.isEmpty
          ? "it is empty: save the image anew"
          : "name one behind a colon: \(printable(has.prefix(20).joined(separator: ", ")))")
    case .difference(let layer, let expected, let found):
      Explanation(
        what: "cannot use the layer \(printable(layer))",
        why: "decompressed it is \(found.text), and the image's configuration wants \(expected.text)",
        remedy: "the image is damaged where it comes from: push or save it anew")
    case .writer(let fault): fault.explanation
    case .sif(let fault): fault.explanation
    case .squashfs(let path, let fault):
      Explanation(
        what: "cannot read \(printable(path))", why: fault.explanation.why, remedy: fault.explanation.remedy)
    }
  }
}
