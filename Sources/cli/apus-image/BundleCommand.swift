internal import Bundle
internal import CommandLine
internal import Glibc
internal import Linux
internal import Messages
internal import Model

/// `apus oci run` and `create` of a bundle with a config.json, or of a reference: reads the one and gets the other, and
/// becomes the launcher again with all of it in words.
func runBundle(_ parsed: Parsed, _ words: [String], _ output: Output) -> Int32 {
  let failure = parsed.isOn("slurm") ? ExitCode.jobStep : ExitCode.failure
  var output = output
  // The launcher has given this program the job's environment.
  if parsed.isOn("slurm") { output.node = printable(variable("SLURMD_NODENAME") ?? "") }
  do throws(Failure) {
    let path = parsed.value("bundle") ?? "."
    var command = parsed.value("id") == nil ? Array(parsed.operands.dropFirst()) : parsed.operands
    let isGiven = !command.isEmpty
    var bundle = Bundle()
    if exists(path + "/" + Bundle.fileName) {
      bundle = try read(path)
      if !isGiven { command = bundle.arguments }
      if parsed.isOn("slurm") {
        let (binds, script) = StepFiles.withoutBatchFolder(bundle.binds, program: command.first)
        bundle.binds = binds
        if let script { command[0] = script }
      }
      if let uid = bundle.uid, uid != geteuid() {
        output.notice(
          Notice(.verbose, "the bundle names the user \(uid): the program runs as the caller, \(geteuid())"))
      }
    } else {
      bundle.root = path
    }
    guard let root = parsed.value("image") ?? bundle.root else {
      throw Failure(
        BundleFault(path: path, why: "its config.json has no root.path, and no --image is given").explanation)
    }
    let image = exists(root) || !root.holds(bytesOf: ":") ? root : try handed(root, parsed, output)
    let options = bundle.words(takesEnvironment: parsed.value("env-file") == nil) + ["--image", image]
    // The ID may be an operand.
    let kept = parsed.operands.count - (isGiven ? command.count : 0)
    var changed = Array(words.dropLast(parsed.operands.count - kept))
    changed = Parser.adding(options, to: changed, operands: kept)
    if kept == 0, changed.last != "--" { changed.append("--") }
    throw becomeLauncher(changed + command)
  } catch { return output.fatal(error.explanation, exit: failure) }
}

private func read(_ path: String) throws(Failure) -> Bundle {
  let file = path + "/" + Bundle.fileName
  let bytes: [UInt8]
  do throws(SystemCallFault) { bytes = try File.readAll(file, limit: 16 << 20) } catch {
    throw Failure(SystemCallFault(error.call, file, error.number).explanation)
  }
  do throws(BundleFault) {
    let here = File.workingDirectory
    return try Bundle(bytes, path: ContainerPath.normalized(path, from: here))
  } catch { throw Failure(error.explanation) }
}
