import Model
import Testing

@testable import StepOptions

@Suite struct StagePolicyTests {
  struct Row: Sendable {
    let mode: StageMode?
    var size = 1 << 30
    var isNodeLocal = false
    var hasCache = true
    var nodes = 64
    var minimum = 16
    let way: StageDecision.Way
  }

  @Test(arguments: [
    Row(mode: .direct, way: .direct), Row(mode: .node, way: .node), Row(mode: nil, way: .node),
    Row(mode: nil, hasCache: false, way: .direct), Row(mode: .node, hasCache: false, way: .direct),
    Row(mode: .sbcast, hasCache: false, way: .direct), Row(mode: .auto, hasCache: false, way: .direct),
    // Who asks for it gets it, whatever it is good for.
    Row(mode: .node, size: 1, isNodeLocal: true, way: .node),
    Row(mode: .sbcast, size: 1, nodes: 4, way: .sbcast),
    Row(mode: .sbcast, nodes: 1, way: .node),
    Row(mode: .auto, way: .sbcast), Row(mode: .auto, isNodeLocal: true, way: .direct),
    Row(mode: .auto, size: (64 << 20) - 1, way: .direct), Row(mode: .auto, size: 64 << 20, way: .node),
    Row(mode: .auto, size: (256 << 20) - 1, way: .node), Row(mode: .auto, size: 256 << 20, way: .sbcast),
    Row(mode: .auto, nodes: 15, way: .node), Row(mode: .auto, nodes: 16, way: .sbcast),
    Row(mode: .auto, nodes: 1, minimum: 1, way: .node), Row(mode: .auto, nodes: 2, minimum: 1, way: .sbcast),
  ])
  func `how an image gets to the nodes`(row: Row) {
    let decision = StagePolicy.decide(
      mode: row.mode, size: row.size, isNodeLocal: row.isNodeLocal, hasCache: row.hasCache, nodes: row.nodes,
      sbcastMinimum: row.minimum)
    #expect(decision.way == row.way)
    #expect(!decision.reason.isEmpty && !decision.reason.contains("\n"))
  }
}
