internal import CommandLine
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import SIF

/// `apus sif header|list|info|dump`
func runSIF(_ parsed: Parsed, _ output: Output) -> Int32 {
  let path = parsed.operands.last ?? ""
  do throws(SystemCallFault) {
    let file = try File.open(path, O_RDONLY | O_NONBLOCK)
    let facts = try File.facts(file)
    guard facts.kind == .file else {
      return output.fatal(
        Explanation(
          what: "cannot read \(printable(path)) as a SIF",
          why: facts.kind == .directory ? "it is a directory" : "it is not a regular file",
          remedy: "name a SIF; `apus build OUT.sif DIRECTORY` makes one"))
    }
    do throws(SIFFault) {
      let sif = try SIFFile.read(descriptor: file.number, size: facts.size)
      switch parsed.command.path.last {
      case "header": show(sif.header, parsed, output)
      case "list": list(sif, parsed, output)
      default:
        guard let id = UInt32(parsed.operands[0]) else {
          return output.fatal(
            Explanation(
              what: "no object \(printable(parsed.operands[0]))", why: "an id is a number",
              remedy: "`apus sif list` shows them"), exit: ExitCode.usage)
        }
        let object = try sif.object(id)
        if parsed.command.path.last == "info" {
          show(object, parsed, output)
        } else {
          return try dump(object, file, output)
        }
      }
      return 0
    } catch { return output.fatal(at(path, error.explanation)) }
  } catch { return output.fatal(error.explanation) }
}

/// The explanation with the file it is about.
private func at(_ path: String, _ explanation: Explanation) -> Explanation {
  Explanation(
    what: "\(explanation.what) \(printable(path))", why: explanation.why, remedy: explanation.remedy)
}

private func show(_ header: SIFHeader, _ parsed: Parsed, _ output: Output) {
  let architecture = Architecture(sifCode: header.architectureCode)?.rawValue ?? "unknown"
  if parsed.isOn("json") {
    return output.result(
      JSON.object([
        ("launchScript", .string(header.launchScript)), ("version", .string(header.version)),
        ("architecture", .string(architecture)), ("id", .string(header.identifierText)),
        ("created", .integer(Int(header.created))), ("modified", .integer(Int(header.modified))),
        ("descriptorsFree", .integer(Int(header.freeDescriptors))),
        ("descriptorsTotal", .integer(Int(header.totalDescriptors))),
        ("descriptorsOffset", .integer(Int(header.descriptorsOffset))),
        ("descriptorsSize", .integer(Int(header.descriptorsSize))),
        ("dataOffset", .integer(Int(header.dataOffset))),
        ("dataSize", .integer(Int(header.dataSize))),
      ]).text(indented: true) + "\n")
  }
  let script = header.launchScript.split(separator: "\n").first.map(String.init) ?? ""
  output.result(
    table([
      ("Launch Script", printable(script)), ("Version", printable(header.version)),
      ("Primary Architecture", architecture), ("ID", header.identifierText),
      ("Created At", time(header.created)),
      ("Modified At", time(header.modified)), ("Descriptors Free", "\(header.freeDescriptors)"),
      ("Descriptors Total", "\(header.totalDescriptors)"),
      ("Descriptors Offset", "\(header.descriptorsOffset)"),
      ("Descriptors Size", bytes(header.descriptorsSize)), ("Data Offset", "\(header.dataOffset)"),
      ("Data Size", bytes(header.dataSize)),
    ]))
}

private func list(_ sif: SIFFile, _ parsed: Parsed, _ output: Output) {
  if parsed.isOn("json") {
    return output.result(
      JSON.array(sif.descriptors.map { .object(members(of: $0)) }).text(indented: true) + "\n")
  }
  var text = "------------------------------------------------------------------------------\n"
  text += "ID   |GROUP   |LINK    |SIF POSITION (start-end)  |TYPE\n"
  text += "------------------------------------------------------------------------------\n"
  for object in sif.descriptors {
    text += cell("\(object.id)", 5) + cell(group(object.group), 8) + cell(link(object.link), 8)
    text += cell("\(object.offset)-\(object.offset + object.size)", 26) + type(of: object) + "\n"
  }
  output.result(text)
}

private func show(_ object: SIFDescriptor, _ parsed: Parsed, _ output: Output) {
  if parsed.isOn("json") {
    return output.result(JSON.object(members(of: object)).text(indented: true) + "\n")
  }
  var rows = [
    ("Data Type", kind(of: object)), ("ID", "\(object.id)"), ("Group ID", group(object.group)),
    ("Linked ID", link(object.link, gap: " ")), ("Offset", "\(object.offset)"), ("Size", "\(object.size)"),
    ("Created At", time(object.created)), ("Modified At", time(object.modified)),
    ("Name", printable(object.name)),
  ]
  if let partition = object.partition {
    rows.append(("Filesystem Type", partition.fileSystem?.name ?? "unknown"))
    rows.append(("Partition Type", partition.use?.name ?? "unknown"))
    rows.append(("Architecture", Architecture(sifCode: partition.architectureCode)?.rawValue ?? "unknown"))
  }
  if let signature = object.signature {
    rows.append(("Hash Type", hash(signature.hash)))
    if signature.fingerprint.contains(where: { $0 != 0 }) {
      rows.append(("Entity", hexadecimal(signature.fingerprint)))
    }
  }
  if let message = object.cryptoMessage {
    rows += [("Format Type", format(of: message)), ("Message Type", use(of: message))]
  }
  output.result(table(rows, indent: "  "))
}

/// The object's bytes on standard output, in pieces.
private func dump(
  _ object: SIFDescriptor, _ file: borrowing Descriptor, _ output: Output
) throws(SIFFault) -> Int32 {
  var offset = Int(object.offset)
  let end = offset + Int(object.size)
  do throws(SystemCallFault) {
    while offset < end {
      let piece = try File.bytes(of: file.number, at: offset, count: min(1 << 20, end - offset))
      guard !piece.isEmpty else { throw SystemCallFault("read", "the object", EIO) }
      try File.write(piece, to: 1, subject: "standard output")
      offset += piece.count
    }
  } catch { throw .read(error) }
  return 0
}

private func members(of object: SIFDescriptor) -> [(String, JSON)] {
  var members: [(String, JSON)] = [
    ("id", .integer(Int(object.id))), ("type", .string(kind(of: object))),
    ("group", .string(group(object.group))),
    ("link", .string(link(object.link))), ("offset", .integer(Int(object.offset))),
    ("size", .integer(Int(object.size))),
    ("created", .integer(Int(object.created))), ("modified", .integer(Int(object.modified))),
    ("name", .string(object.name)),
  ]
  if let partition = object.partition {
    members.append(("fileSystem", .string(partition.fileSystem?.name ?? "unknown")))
    members.append(("partition", .string(partition.use?.name ?? "unknown")))
    members.append(
      ("architecture", .string(Architecture(sifCode: partition.architectureCode)?.rawValue ?? "unknown")))
  }
  return members
}

private func kind(of object: SIFDescriptor) -> String {
  switch object.type {
  case .definition: "Def.FILE"
  case .environment: "Env.Vars"
  case .labels: "JSON.Labels"
  case .partition: "FS"
  case .signature: "Signature"
  case .genericJSON: "JSON.Generic"
  case .generic: "Generic/Raw"
  case .cryptoMessage: "Cryptographic Message"
  case .sbom: "SBOM"
  case .ociRootIndex: "OCI.RootIndex"
  case .ociBlob: "OCI.Blob"
  case nil: "Unknown (\(object.typeCode))"
  }
}

private func type(of object: SIFDescriptor) -> String {
  if let partition = object.partition {
    let architecture = Architecture(sifCode: partition.architectureCode)?.rawValue ?? "unknown"
    return
      "FS (\(partition.fileSystem?.name ?? "unknown")/\(partition.use?.name ?? "unknown")/\(architecture))"
  }
  if let signature = object.signature { return "Signature (\(hash(signature.hash)))" }
  if let message = object.cryptoMessage {
    return "Cryptographic Message (\(format(of: message))/\(use(of: message)))"
  }
  return kind(of: object)
}

private func format(of message: (format: Int32, kind: Int32)) -> String {
  message.format == 1 ? "OpenPGP" : message.format == 2 ? "PEM" : "unknown"
}

private func use(of message: (format: Int32, kind: Int32)) -> String {
  message.kind == 0x100 ? "Clear Signature" : message.kind == 0x200 ? "RSA-OAEP" : "unknown"
}

private func hash(_ code: Int32) -> String {
  switch code {
  case 1: "SHA-256"
  case 2: "SHA-384"
  case 3: "SHA-512"
  case 4: "BLAKE2s-256"
  case 5: "BLAKE2b-256"
  default: "unknown"
  }
}

private func group(_ number: UInt32) -> String {
  number == SIFDescriptor.groupMask || number == 0 ? "NONE" : "\(number & ~SIFDescriptor.groupMask)"
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
}

private func link(_ number: UInt32, gap: String = "   ") -> String {
  if number == 0 { return "NONE" }
  let isGroup = number & SIFDescriptor.groupMask == SIFDescriptor.groupMask
  return isGroup ? "\(number & ~SIFDescriptor.groupMask)\(gap)(G)" : "\(number)"
}

private func cell(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count)) + "|"
}

/// Rows with something to say, their values below each other.
private func table(_ all: [(String, String)], indent: String = "") -> String {
  let rows = all.filter { !$0.1.isEmpty }
  // One blank behind the colon, two where rows are set in, as other tools write them.
  let width = (rows.map(\.0.count).max() ?? 0) + (indent.isEmpty ? 1 : 2)
  return rows.map { indent + $0.0 + ":" + String(repeating: " ", count: width - $0.0.count) + $0.1 + "\n" }
    .joined()
}

private func bytes(_ count: Int64) -> String {
  for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] where count >= 1 << shift {
    return "\((count + (1 << (shift - 1))) >> shift) \(unit)"
  }
  return "\(count) B"
}

/// A time as UTC text. Times before 1970 stand for none, which is empty: reproducible images have Go's zero time.
private func time(_ seconds: Int64) -> String {
  guard seconds >= 0, seconds < 253_402_300_800 else { return "" }
  // Days to a civil date by the proleptic Gregorian calendar, with years that begin in March.
  let days = Int(seconds / 86400) + 719_468
  let era = days / 146_097
  let day = days - era * 146_097
  let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365
  let ofYear = day - (365 * year + year / 4 - year / 100)
  let month = (5 * ofYear + 2) / 153
  let date = (
    year + era * 400 + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9,
    ofYear - (153 * month + 2) / 5 + 1
  )
  let clock = Int(seconds % 86400)
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  return
    "\(date.0)-\(two(date.1))-\(two(date.2)) \(two(clock / 3600)):\(two(clock / 60 % 60)):\(two(clock % 60)) +0000 UTC"
}
