internal import CommandLine
internal import Conversion
internal import Messages
internal import Model

/// `apus overlay create`: an ext3 file system for changes, in a file or in a SIF.
func runOverlay(_ parsed: Parsed, _ output: Output) -> Int32 {
  if parsed.isOn("help") {
    output.result(Help.page(parsed.command))
    return 0
  }
  let path = parsed.operands[0]
  let size = parsed.value("size") ?? "64"
  guard let mebibytes = Int(size) else {
    return output.fatal(
      Explanation(
        what: "option --size", why: "\"\(printable(size))\" is not a number of MiB",
        remedy: "write it as --size=128"),
      exit: ExitCode.usage)
  }
  var creation = OverlayCreation(mebibytes: mebibytes)
  creation.isSparse = parsed.isOn("sparse")
  creation.belongsToRoot = parsed.isOn("fakeroot")
  creation.directories = parsed.all("create-dir")
  creation.searchPath = variable("PATH") ?? ""
  if let folder = variable("APUS_TMPDIR") ?? variable("TMPDIR"), ContainerPath.isAbsolute(folder) {
    creation.temporaryFolder = folder
  }
  do throws(OverlayFault) {
    let isPartition = try creation.make(path)
    output.notice(
      Notice(
        .info,
        isPartition
          ? "\(printable(path)) has an overlay partition of \(mebibytes) MiB now: --writable writes to it"
          : "made \(printable(path)) of \(mebibytes) MiB: --overlay \(printable(path)) writes to it"))
    return 0
  } catch { return output.fatal(error.explanation) }
}
