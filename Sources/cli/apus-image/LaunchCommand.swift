internal import CommandLine
internal import Conversion
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import Reference

/// `apus run docker://…` and its relatives: gets the image and becomes the launcher again, with the image's file in the
/// place of the reference. `words` as this program was given them.
func runReference(_ parsed: Parsed, _ words: [String], _ output: Output) -> Int32 {
  let text = parsed.operands[0]
  do throws(Failure) {
    let image = try handed(text, parsed, output)
    // Options may stand behind operands in commands that start nothing; there the first equal word is the image.
    let place =
      parsed.command.mixesOptions ? words.firstIndex(of: text) : words.count - parsed.operands.count
    var changed = words
    if let place { changed[place] = image }
    throw becomeLauncher(changed)
  } catch { return output.fatal(error.explanation, exit: error.exit) }
}

/// Becomes the launcher, with words of its own. Returns only why not.
func becomeLauncher(_ words: [String]) -> Failure {
  let cause = Process.become(Site.launcher, [Site.launcher] + words, environment: Inheritance.environment)
  return Failure(
    Explanation(
      what: "cannot start \(printable(Site.launcher))", why: errorText(cause.number),
      remedy: "the installation is incomplete: install it anew (make install)"))
}

/// Gets the image of a reference, and opens it for the launcher: the text that stands in the place of its path.
func handed(_ text: String, _ parsed: Parsed, _ output: Output) throws(Failure) -> String {
  let source = try imageSource(text)
  let supply = try ImageSupply(parsed, output, tagSeconds: nil)
  let delivery = Delivery(supply.options)
  let acquired: AcquiredImage?
  do throws(BuildFault) { acquired = try delivery.cached(source) } catch { throw Failure(error.explanation) }
  let image: String
  if let acquired {
    image = try keep(acquired.descriptor.number, path: acquired.path)
  } else {
    let file: Descriptor
    do throws(BuildFault) { file = try delivery.unnamed(source) } catch { throw Failure(error.explanation) }
    image = try keep(file.number, path: text)
  }
  supply.display.finish()
  supply.tellNotices()
  return image
}

/// An open image for the launcher that this program becomes: a copy of the descriptor, with its lock.
func keep(_ number: Int32, path: String) throws(Failure) -> String {
  let copy = fcntl(number, F_DUPFD, 3)
  guard copy >= 0 else { throw Failure(SystemCallFault("fcntl", path, errno).explanation) }
  return HandedImage(number: copy, path: path).text
}

/// Whether something has that name.
func exists(_ path: String) -> Bool { (try? File.facts(path)) != nil }
