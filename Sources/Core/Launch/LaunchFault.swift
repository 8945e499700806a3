public import Model

/// Why a request cannot be planned.
public enum LaunchFault: Error, Equatable, Sendable {
  case bindSyntax(spec: String, why: String)
  /// `refusal`: why it cannot be looked at, where that is not that nothing is there.
  case bindSourceMissing(path: String, spec: String, refusal: String? = nil)
  /// `--writable` makes no mount points.
  case sandboxLacks(target: String, isDirectory: Bool, reason: String, sandbox: String)
  case requestedSourceMissing(path: String, target: String, origin: String, refusal: String? = nil)
  case bindsForbidden
  case mountSyntax(spec: String, why: String)
  case homeSyntax(spec: String, why: String)
  case scratchSyntax(target: String)
  case workDirectoryMissing(path: String)
  case overlaySyntax(spec: String, why: String)
  /// A file system in a file that an option names; of `--writable` the text is empty.
  case fileImage(option: String, spec: String, why: String, remedy: String)
  case severalWritableOverlays
  case overlayWithWritable
  case writableNeedsSandbox(path: String)
  case overlayForbidden(option: String)
  case writableWithUnderlay
  case runScriptTimeout(text: String)
  case environmentSyntax(text: String, why: String)
  case environmentFile(path: String, why: String)
  case environmentFileUnreadable(path: String, why: String)
  case environmentFileQuote(path: String, line: Int)
  case appMissing(name: String)
  case appHasNoRunScript(name: String)
  case kind(target: String, sourceIsDirectory: Bool)
  case isolation(IsolationFault)
}

extension LaunchFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .bindSyntax(let spec, let why):
      Explanation(
        what: "cannot understand --bind \(printable(spec))", why: why,
        remedy:
          "write it as SOURCE[:TARGET[:ro|rw]], or IMAGE:TARGET:image-src=PATH for what is in an image file; "
          + "a colon or comma in a path is written \\: or \\,")
    case .bindSourceMissing(let path, let spec, let refusal):
      Explanation(
        what: "cannot bind \(printable(spec))",
        why: printable(path)
          + (refusal.map { " cannot be reached: \($0)" } ?? " does not exist on this host"),
        remedy: "check the path, or drop it from --bind, --mount, APUS_BIND and APUS_MOUNT")
    case .requestedSourceMissing(let path, let target, let origin, let refusal):
      Explanation(
        what: "cannot show \(printable(path)) at \(printable(target))",
        why: refusal.map { "it cannot be reached: \($0)" } ?? "it does not exist on this host",
        remedy: "check the path, or drop it from \(origin)")
    case .sandboxLacks(let target, let isDirectory, let reason, let sandbox):
      Explanation(
        what: "cannot show anything at \(printable(target)) (\(reason))",
        why: "the sandbox has no \(printable(target)), and with --writable nothing is made in it",
        remedy: "make it: \(isDirectory ? "mkdir -p" : "touch") \(printable(sandbox + target))")
    case .bindsForbidden:
      Explanation(
        what: "cannot bind paths of your choice",
        why: "this site has switched it off (user bind control = no)",
        remedy: "ask the administrator")
    case .mountSyntax(let spec, let why):
      Explanation(
        what: "cannot understand --mount \(printable(spec))", why: why,
        remedy:
          "write it as type=bind,source=SOURCE,target=TARGET[,ro][,image-src=PATH]; "
          + "a field with commas goes into double quotes"
      )
    case .homeSyntax(let spec, let why):
      Explanation(
        what: "cannot understand --home \(printable(spec))", why: why, remedy: "write it as SOURCE[:TARGET]")
    case .scratchSyntax(let target):
      Explanation(
        what: "cannot make the scratch directory \(printable(target))", why: "it is not an absolute path",
        remedy: "write it from the root of the container: /\(printable(target))")
    case .workDirectoryMissing(let path):
      Explanation(
        what: "cannot use --workdir \(printable(path))", why: "it is not a directory of this host",
        remedy: "make it first")
    case .overlaySyntax(let spec, let why):
      Explanation(
        what: "cannot use --overlay \(printable(spec))", why: why,
        remedy: "name a directory or an image file; with :ro it is only read")
    case .fileImage(let option, let spec, let why, let remedy):
      Explanation(
        what: "cannot use \(option)\(spec.isEmpty ? "" : " \(printable(spec))")", why: why, remedy: remedy)
    case .severalWritableOverlays:
      Explanation(
        what: "cannot use these overlays", why: "more than one would be written to",
        remedy: "add :ro to all but one")
    case .overlayWithWritable:
      Explanation(
        what: "cannot use --overlay with --writable", why: "changes can go to one place only",
        remedy: "drop one of them")
    case .writableNeedsSandbox(let path):
      Explanation(
        what: "cannot write to \(printable(path))",
        why: "a SIF or squashfs image is read-only, and it has no overlay partition that takes changes",
        remedy:
          "add one to a SIF: apus overlay create \(printable(path)); or use --writable-tmpfs or --overlay, "
          + "or make a directory of it: apus build --sandbox DIR IMAGE"
      )
    case .overlayForbidden(let option):
      Explanation(
        what: "cannot use \(option)", why: "this site has switched overlays off (enable overlay = no)",
        remedy: option == "--overlay" || option == "--writable"
          ? "write to a directory that is bound in, or to a sandbox with --writable"
          : "leave it out, and --compat, which means it too; --scratch and --contain give directories to write to"
      )
    case .writableWithUnderlay:
      Explanation(
        what: "cannot use --writable with --underlay",
        why: "what a SIF keeps of changes is shown by an overlay, which --underlay does without",
        remedy: "drop one of them")
    case .runScriptTimeout(let text):
      Explanation(
        what: "cannot understand --runscript-timeout \(printable(text))", why: "it is not a duration",
        remedy: "write it as 90s or 1m30s, or leave it out: it changes nothing here")
    case .environmentSyntax(let text, let why):
      Explanation(
        what: "cannot understand --env \(printable(text))", why: why,
        remedy:
          "write it as NAME=VALUE, several separated by commas; a field with commas goes into double quotes")
    case .environmentFile(let path, let why):
      Explanation(
        what: "cannot read --env-file \(printable(path))", why: why, remedy: "it must hold lines NAME=VALUE")
    case .environmentFileUnreadable(let path, let why):
      Explanation(
        what: "cannot read --env-file \(printable(path))", why: why,
        remedy: "check the path and its permissions, or drop it from --env-file and APUS_ENV_FILE")
    case .environmentFileQuote(let path, let line):
      Explanation(
        what: "cannot read --env-file \(printable(path))", why: "the quote in line \(line) is not closed",
        remedy: "close it, or write a backslash before a quote that is part of the value")
    case .appMissing(let name):
      Explanation(
        what: "cannot locate the container application \(printable(name))",
        why: "the image has no directory of that name in /scif/apps",
        remedy: "`apus inspect --list-apps` names what it has")
    case .appHasNoRunScript(let name):
      Explanation(
        what: "cannot run the application \(printable(name))", why: "it has no run script",
        remedy: "start one of its programs with apus exec --app \(printable(name)) IMAGE PROGRAM")
    case .isolation(let fault): fault.explanation
    case .kind(let target, let sourceIsDirectory):
      Explanation(
        what: "cannot bind onto \(printable(target))",
        why: sourceIsDirectory
          ? "the source is a directory, and what the image has there is not"
          : "the source is not a directory, and the image has one there",
        remedy: "name another destination")
    }
  }
}
