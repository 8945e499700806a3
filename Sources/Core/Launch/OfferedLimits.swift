public import Model

/// What launches from here can be limited by: found out by planning one for each controller, so that whoever tells it
/// (`apus doctor`) says what a launch would.
extension ControlGroups {
  /// An option of each controller, and what it sets at its lowest.
  private static let samples = [
    (option: "--memory", value: LimitsPlan.Value("memory.max", "0")),
    (option: "--cpus", value: LimitsPlan.Value("cpu.max", "0 100000")),
    (option: "--pids-limit", value: LimitsPlan.Value("pids.max", "0")),
    (option: "--cpuset-cpus", value: LimitsPlan.Value("cpuset.cpus", "")),
    (option: "--blkio-weight", value: LimitsPlan.Value("io.weight", "1")),
  ]

  /// Controllers with which a limit can be set; `refusal`: why with none.
  public var offered: (controllers: [String], refusal: Explanation?) {
    var controllers: [String] = []
    var refusal: Explanation?
    for sample in Self.samples {
      do throws(IsolationFault) {
        _ = try plan([sample.value], option: sample.option)
        controllers.append(sample.value.controller)
      } catch { refusal = refusal ?? error.explanation }
    }
    return (controllers, controllers.isEmpty ? refusal : nil)
  }
}
