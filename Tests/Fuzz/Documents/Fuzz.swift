import Conversion
import Reference
import Registry

/// libFuzzer's entry: the first byte chooses a parser of texts that come from registries and files, the rest is the text.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start = unsafe start, count > 0, count <= 1 << 16 else { return 0 }
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  let text = Array(bytes.dropFirst())
  switch bytes[0] % 6 {
  case 0: if (try? OCIDocument(text, mediaType: "", name: "fuzz")) != nil { found += 1 }
  case 1: found += (try? OCIConfiguration(text, name: "fuzz"))?.differences.count ?? 0
  case 2: if (try? RegistriesConfiguration(parsing: [("fuzz", text)])) != nil { found += 1 }
  case 3: found += Challenge.parse([String(decoding: text, as: UTF8.self)]).count
  case 4: if (try? ImageReference(parsing: String(decoding: text, as: UTF8.self))) != nil { found += 1 }
  default: found += (try? SourceName(parsing: String(decoding: text, as: UTF8.self)))?.candidates.count ?? 0
  }
  return 0
}

/// A result that is used: the optimiser would remove a parser whose result is dropped.
private nonisolated(unsafe) var found = 0
