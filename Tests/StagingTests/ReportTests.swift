import NodeCache
import Testing

@testable import Staging

@Suite struct ReportTests {
  static let size = 4_800_000_000

  private func lines(nodeID: Int, size: Int = size, _ marks: [(Double, Int)]) -> [String?] {
    var report = StagingReport(node: "n1", nodeID: nodeID, name: "/images/img.sif", size: size)
    return marks.map { report.copying($0.1, seconds: $0.0) }
  }

  @Test func `the first node tells after two seconds, then every five or a tenth`() {
    let told = lines(
      nodeID: 0,
      [
        (1.9, 700_000_000), (2.0, 820_000_000), (2.5, 1_400_000_000), (3.1, 1_400_000_000),
        (5, 1_500_000_000),
        (8.2, 1_600_000_000), (8.3, 4_800_000_000),
      ])
    #expect(
      told == [
        nil, "apus: n1: staging img.sif 0.8/4.8 GB (17%) 410 MB/s", nil,
        "apus: n1: staging img.sif 1.4/4.8 GB (29%) 451 MB/s", nil,
        "apus: n1: staging img.sif 1.6/4.8 GB (33%) 195 MB/s", nil,
      ])
  }

  @Test func `other nodes tell only what takes long`() {
    #expect(
      lines(nodeID: 3, [(5, 1_000_000_000), (14.9, 2_000_000_000), (15, 2_000_000_000)]) == [
        nil, nil, "apus: n1: staging img.sif 2.0/4.8 GB (41%) 133 MB/s",
      ])
  }

  @Test func `a waiter says for whom, once in five seconds`() {
    var report = StagingReport(node: "n1", nodeID: 0, name: "/images/img.sif", size: Self.size)
    let progress = CopyProgress(
      pid: 345, job: "12", source: "/images/img.sif", size: Self.size, done: 1_200_000_000)
    let told = [0.5, 1.0, 5.9, 6.0].map { report.waiting(for: progress, seconds: $0) }
    let line = "apus: n1: waiting for img.sif, which job 12, pid 345 stages: 1.2/4.8 GB (25%)"
    #expect(told == [nil, line, nil, line])
  }

  @Test(
    arguments: [
      (0, 1.9, nil), (0, 11.0, "apus: n1: staged img.sif 4.8 GB in 11 s, 436 MB/s"), (1, 11.0, nil),
      (1, 20.0, "apus: n1: staged img.sif 4.8 GB in 20 s, 240 MB/s"),
    ] as [(Int, Double, String?)])
  func `the end is told of what was told`(nodeID: Int, seconds: Double, line: String?) {
    let report = StagingReport(node: "n1", nodeID: nodeID, name: "img.sif", size: Self.size)
    #expect(report.finished(seconds: seconds) == line)
  }

  @Test func `a hostile name moves no cursor`() {
    var report = StagingReport(node: "n\u{1B}", nodeID: 0, name: "/x/\u{1B}[2J\n.sif", size: 100)
    #expect(report.copying(50, seconds: 2) == "apus: n\\x1b: staging \\x1b[2J\\x0a.sif 50/100 B (50%) 25 B/s")
  }
}
