import Layers
import Model
import Testing

@Suite struct LayerFaultTests {
  static let faults: [EntryFault] = [
    .truncated, .checksum, .loneZeroBlock, .number(field: "mode"), .size(field: "size"),
    .owner(field: "owner"),
    .type(0x1B), .archiveKind("x"), .extendedHeaderSize(limit: 1), .record, .recordValue(keyword: "\u{1B}"),
    .nul(field: "path"), .global(keyword: "path"), .twoNames, .nothingFollows, .sparseMap, .emptyName,
    .nameTooLong, .pathTooLong, .tooDeep, .emptyTarget, .targetTooLong, .whiteout, .whiteoutInPath, .root,
    .tooManyLinks, .targetMissing("/\u{1B}"), .targetIsDirectory("/\u{1B}"), .contentMissing,
  ]

  @Test(arguments: faults) func `a fault names layer, entry and reason, and nothing that a terminal obeys`(
    fault: EntryFault
  ) {
    let explanation = LayerFault.entry(layer: "2", entry: "/a\u{1B}b", fault).explanation
    #expect(explanation.what == #"cannot use /a\x1bb of layer 2"#)
    #expect(!explanation.why.isEmpty && !explanation.remedy.isEmpty)
    #expect(!explanation.why.unicodeScalars.contains { $0.value < 0x20 })
  }
}
