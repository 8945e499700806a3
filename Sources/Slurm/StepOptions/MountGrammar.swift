internal import Launch
internal import Model

/// The grammar of `--container-mounts`, which is Pyxis': entries separated by commas, each
/// `SRC[:DST[:FLAG+FLAG…]]`, `tmpfs:/DST[:FLAG+FLAG…]` or `umount:/DST`.
enum MountGrammar {
  static func parse(_ word: OptionWord, from directory: String, _ notices: inout [Notice]) throws(StepFault)
    -> [RequestedMount]
  {
    guard !holdsControlCharacters(word.value) else {
      throw .value(
        origin: word.origin, value: word.value, why: "it holds control characters", remedy: remedy)
    }
    var mounts: [RequestedMount] = []
    for entry in word.value.fields(at: UInt8(ascii: ",")) {
      let mount = try parse(entry: String(entry), word, from: directory, &notices)
      if !mounts.contains(mount) { mounts.append(mount) }
    }
    return mounts
  }

  private static let remedy =
    "write SRC[:DST[:FLAG+FLAG]], tmpfs:/DST[:FLAG+FLAG] or umount:/DST, several separated by commas"

  private static func parse(
    entry: String, _ word: OptionWord, from directory: String, _ notices: inout [Notice]
  ) throws(StepFault) -> RequestedMount {
    func fault(_ why: String) -> StepFault {
      .value(origin: word.origin, value: entry, why: why, remedy: remedy)
    }
    let fields = entry.fields(at: UInt8(ascii: ":")).map(String.init)
    let source = fields[0]
    guard !source.isEmpty else { throw fault("it names no source") }
    let isSpecial = source == "tmpfs" || source == "umount"
    guard fields.count > 1 || !isSpecial else { throw fault("it names no destination") }
    let target: String
    if fields.count > 1 {
      guard !fields[1].isEmpty else { throw fault("it names no destination") }
      guard let place = place(fields[1]) else {
        throw fault("the destination is no path from the root of the container")
      }
      target = place
    } else {
      target = ContainerPath.normalized(source, from: directory)
    }
    guard target != "/" else { throw fault("nothing can be shown in place of the root itself") }
    let flags = Array(fields.dropFirst(2)).connected(by: ":").fields(at: UInt8(ascii: "+")).map(String.init)
      .filter { !$0.isEmpty }
    if source == "umount" {
      return RequestedMount(.nothing, target: target, origin: word.origin)
    }
    var read = MountFlags()
    for flag in flags where !read.take(flag, isTemporary: source == "tmpfs") {
      throw fault("\"\(shown(flag))\" is no flag of a mount")
    }
    if !read.ignored.isEmpty {
      notices.append(
        Notice(
          .info,
          "\(word.origin): \(read.ignored.connected(by: ", ")) makes no difference in a container of apus"))
    }
    if source == "tmpfs" {
      return RequestedMount(
        .temporary(options: read.options + (read.isReadOnly ? [FileSystemOption("ro")] : [])),
        target: target, origin: word.origin)
    }
    return RequestedMount(
      .bind(source: ContainerPath.normalized(source, from: directory), isWritable: !read.isReadOnly),
      target: target, origin: word.origin, isOptional: read.isOptional)
  }

  /// A destination: from the root, `./x` too. Whoever writes `..` means a place outside.
  private static func place(_ text: String) -> String? {
    guard text.utf8.first == UInt8(ascii: "/") || text.utf8.first == UInt8(ascii: "."),
      !ContainerPath.components(text).contains("..")
    else { return nil }
    return ContainerPath.normalized(text)
  }
}

/// What the flags of one mount say (mount(8), and the `x-` flags of Enroot).
private struct MountFlags {
  private(set) var isReadOnly = false
  private(set) var isOptional = false
  private(set) var options: [FileSystemOption] = []
  private(set) var ignored: [String] = []

  /// What every mount has here: binds with all beneath them, no set-uid programs, no devices but in /dev.
  private static let given = [
    "bind", "rbind", "nosuid", "nodev", "x-create", "x-create=auto", "x-create=dir", "x-create=file",
    "silent",
    "x-detach",
  ]
  /// Propagation ends at the container, and how times are written is the source's affair.
  private static let without = [
    "private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable", "noatime",
    "relatime", "strictatime", "nodiratime", "atime", "async", "sync", "noexec", "exec", "suid", "dev",
  ]
  private static let ofTemporary = ["size", "mode", "nr_inodes", "huge"]

  /// Whether the flag is known.
  mutating func take(_ flag: String, isTemporary: Bool) -> Bool {
    switch flag {
    case "ro": isReadOnly = true
    case "rw": isReadOnly = false
    case "nofail": isOptional = true
    case _ where Self.given.contains(flag): break
    case _ where Self.without.contains(flag): ignored.append(flag)
    default:
      guard isTemporary, let equals = flag.utf8.firstIndex(of: UInt8(ascii: "=")) else { return false }
      let name = String(flag[..<equals])
      let value = String(flag[flag.utf8.index(after: equals)...])
      guard Self.ofTemporary.contains(name), !value.isEmpty else { return false }
      options.append(FileSystemOption(name, value))
    }
    return true
  }
}
