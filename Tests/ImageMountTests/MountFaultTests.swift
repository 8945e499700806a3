import Model
import Testing

@testable import ImageMount

@Suite struct MountFaultTests {
  static let faults: [(fault: MountFault, isPartition: Bool)] = [false, true].flatMap {
    isPartition -> [(fault: MountFault, isPartition: Bool)] in
    [
      (.notClosed(path: "/x", isPartition: isPartition), isPartition),
      (.programMissing(name: "fuse2fs", package: "p", subject: "/x", isPartition: isPartition), isPartition),
      (.kernelTooOld(name: "fuse2fs", subject: "/x", isPartition: isPartition), isPartition),
    ]
  }

  /// e2fsck does not find a file system within a file, and no directory takes the place of a part of an image.
  @Test(arguments: faults) func `the remedy fits a partition of a SIF`(fault: MountFault, isPartition: Bool) {
    let remedy = fault.explanation.remedy
    let words = ["e2fsck", "use a directory"]
    #expect(words.contains { remedy.contains($0) } == !isPartition, "\(remedy)")
  }
}
