internal import CommandLine
internal import Conversion
internal import Messages
internal import Model
internal import Reference
internal import Registry

/// `apus push`: a SIF into a registry.
func runPush(_ parsed: Parsed, _ output: Output) -> Int32 {
  let path = parsed.operands[0]
  let text = parsed.operands[1]
  do throws(Failure) {
    guard case .oras(let reference) = try imageSource(text) else {
      throw Failure(
        Explanation(
          what: "cannot push to \(printable(text))", why: "a SIF is stored under oras:// only",
          remedy: "write oras://HOST/NAME:TAG"), exit: ExitCode.usage)
    }
    let supply = try ImageSupply(parsed, output)
    let result: Push.Result
    do throws(BuildFault) {
      if !parsed.isOn("allow-unsigned"), try !Push.isSigned(path) {
        output.notice(
          Notice(.warning, "\(printable(path)) carries no signature (-U says that this is meant)"))
      }
      let client: RegistryClient
      do throws(RegistryFault) { client = try supply.options.network.client(reference) } catch {
        throw BuildFault.registry(error)
      }
      result = try Push.push(path, to: reference, through: client, progress: supply.options.layers.progress)
    } catch { throw Failure(error.explanation) }
    supply.display.finish("sent")
    supply.tellNotices()
    if result.wasThere { output.notice(Notice(.info, "The registry had the image already")) }
    output.result(result.digest + "\n")
    return 0
  } catch { return output.fatal(error.explanation, exit: error.exit) }
}
