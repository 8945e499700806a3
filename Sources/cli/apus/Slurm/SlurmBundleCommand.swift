internal import CommandLine
internal import Containers
internal import Glibc
internal import ImageMount
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus slurm bundle`: a directory that stands for an image, for a Slurm that takes nothing else.
func runSlurmBundle(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  let text = parsed.operands[0]
  if isReference(text) {
    return output.fatal(
      Explanation(
        what: "cannot make a bundle of \(printable(text))", why: "Slurm would take it for a path",
        remedy: "get the image first: apus pull NAME.sif \(printable(text))"))
  }
  let image: ImageFile
  do throws(ImageFault) { image = try ImageFile.open(text) } catch { return output.fatal(error.explanation) }
  let uid = geteuid()
  do throws(ContainerFault) {
    let folder =
      if let directory = parsed.value("dir") {
        try BundleFolder.shared(below: absolute(directory), uid: uid)
      } else {
        try BundleFolder.own(
          runtime: RuntimeDirectory.path(uid: uid, xdg: variables["XDG_RUNTIME_DIR"]), uid: uid)
      }
    output.result(try folder.bundle(standingFor: image.path) + "\n")
    return 0
  } catch { return output.fatal(error.explanation) }
}

private func absolute(_ path: String) -> String {
  ContainerPath.normalized(path, from: File.workingDirectory)
}
