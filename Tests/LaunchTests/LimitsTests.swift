import Model
import Testing

@testable import Launch

@Suite struct LimitsTests {
  static func values(_ options: [(String, String)], file: String? = nil) throws(IsolationFault) -> [String] {
    var request = LimitsRequest()
    for (name, value) in options { request.values[name] = value }
    return try limitValues(request, file: file).map { $0.file + " " + $0.text }
  }

  @Test(arguments: [
    ("cpus", "1.5", "cpu.max 150000 100000"), ("cpus", "0.01", "cpu.max 1000 100000"),
    ("cpu-shares", "1024", "cpu.weight 39"), ("cpu-shares", "2", "cpu.weight 1"),
    ("cpu-shares", "262144", "cpu.weight 10000"), ("cpuset-cpus", "0-3,7", "cpuset.cpus 0-3,7"),
    ("cpuset-mems", "0", "cpuset.mems 0"), ("memory", "512", "memory.max 512"),
    ("memory", "512M", "memory.max 536870912"), ("memory", "1g", "memory.max 1073741824"),
    ("memory", "1GiB", "memory.max 1073741824"), ("memory", "2kb", "memory.max 2048"),
    ("memory", "9b", "memory.max 9"), ("memory-reservation", "1k", "memory.low 1024"),
    ("memory-swap", "-1", "memory.swap.max max"), ("pids-limit", "100", "pids.max 100"),
    ("pids-limit", "-1", "pids.max max"), ("blkio-weight", "10", "io.weight 1"),
    ("blkio-weight", "1000", "io.weight 10000"),
  ]) func `an option is a file of the group and its text`(name: String, value: String, line: String) throws {
    #expect(try Self.values([(name, value)]) == [line])
  }

  @Test func `weights of devices are by their numbers`() throws {
    var request = LimitsRequest()
    request.values["blkio-weight-device"] = "/dev/sda:10,/dev/disk/by-path/pci:1:1000"
    let devices: Lookup<String> = ["/dev/sda": "8:0", "/dev/disk/by-path/pci:1": "259:3"]
    #expect(
      try limitValues(request, file: nil, devices: devices).map { $0.file + " " + $0.text }
        == ["io.weight 8:0 1", "io.weight 259:3 10000"])
    for wrong in ["/dev/sdb:10", "/dev/sda", "/dev/sda:9"] {
      request.values["blkio-weight-device"] = wrong
      #expect(throws: IsolationFault.self) { try limitValues(request, file: nil, devices: devices) }
    }
  }

  @Test func `swap is what is left of both`() throws {
    let values = try Self.values([("memory-swap", "3M"), ("memory", "1M")])
    #expect(values == ["memory.max 1048576", "memory.swap.max 2097152"])
  }

  @Test(arguments: [
    ("cpus", "0"), ("cpus", "x"), ("cpus", "nan"), ("cpus", "-1"), ("cpus", "inf"), ("cpu-shares", "1"),
    ("cpuset-cpus", ""), ("cpuset-cpus", "0-"), ("cpuset-cpus", "0-1-2"), ("cpuset-cpus", "a"),
    ("cpuset-cpus", "0\n1"), ("memory", ""), ("memory", "G"), ("memory", "1X"), ("memory", "-1"),
    ("memory", "9999999999G"), ("memory-swap", "1G"), ("pids-limit", "-2"), ("pids-limit", "1.5"),
    ("blkio-weight", "9"), ("memory", "5ib"), ("memory", "0"), ("memory-reservation", "0k"),
    ("cpu-shares", "0"),
    ("blkio-weight", "0"),
  ]) func `refuses by the option`(name: String, value: String) {
    #expect {
      try Self.values([(name, value)])
    } throws: { error in
      guard case .limitSyntax("--" + name, value, _) = error as? IsolationFault else { return false }
      return true
    }
  }

  @Test func `less swap than memory, and no killer, cannot be had`() {
    #expect(throws: IsolationFault.self) { try Self.values([("memory-swap", "1M"), ("memory", "2M")]) }
    var request = LimitsRequest()
    request.disablesKiller = true
    #expect(throws: IsolationFault.self) { try limitValues(request, file: nil) }
  }

  @Test func `a file says the same in tables`() throws {
    let file = """
      # limits
      [cpu]
      shares = 1024 # usual
      quota = 150000
      cpus = "0-1"
      [memory]
        limit = 1_048_576
        swap = 2097152
        disableOOMKiller = false
      [pids]
      limit = 100
      [blockIO]
      weight = 10
      [[blockIO.weightDevice]]
      major = 8
      minor = 0
      weight = 1000
      [[blockIO.throttleReadBpsDevice]]
      major = 8
      minor = 16
      rate = 10_000_000
      [[hugepageLimits]]
      pageSize = "2MB"
      limit = 4194304
      [[hugepageLimits]]
      pageSize = "1GB"
      limit = 0
      [unified]
      "memory.high" = "900#K"
      """
    #expect(
      try Self.values([("apply-cgroups", "/f")], file: file) == [
        "cpu.weight 39", "cpuset.cpus 0-1", "memory.max 1048576", "memory.swap.max 1048576", "pids.max 100",
        "io.weight 1", "io.weight 8:0 10000", "io.max 8:16 rbps=10000000", "hugetlb.2MB.max 4194304",
        "hugetlb.1GB.max 0", "memory.high 900#K", "cpu.max 150000 100000",
      ])
  }

  @Test func `nought in a file is as good as no key`() throws {
    let file = """
      [cpu]
      shares = 0
      quota = 0
      period = 0
      [memory]
      limit = 0
      reservation = 0
      swap = 0
      [blockIO]
      weight = 0
      [[blockIO.weightDevice]]
      major = 8
      minor = 0
      weight = 0
      [pids]
      limit = 7
      """
    #expect(try Self.values([("apply-cgroups", "/f")], file: file) == ["pids.max 7"])
  }

  @Test(arguments: [
    "", "[memory]\nlimit = 0\n", "[memory]\n", "limit = 1\n", "[memory]\nlimit = \"much\"\n",
    "[memory]\nlimit\n",
    "[[devices]]\nallow = true\n",
    "[memory]\ndisableOOMKiller = true\n", "[memory]\nkernel = 1\n", "[unified]\n\"../memory.max\" = \"1\"\n",
    "[[hugepageLimits]]\npageSize = \"../x\"\nlimit = 1\n", "[[hugepageLimits]]\npageSize = \"2MB\"\n",
    "[[blockIO.weightDevice]]\nmajor = 8\nweight = 10\n", "[[blockIO.other]]\nmajor = 8\n",
    "[unified]\nmemory = \"1\"\n", "[memory]\nswap = 1\n",
  ]) func `refuses a file with anything it cannot set`(file: String) {
    #expect {
      try Self.values([("apply-cgroups", "/f")], file: file)
    } throws: { error in
      guard case .limitsFile("/f", _) = error as? IsolationFault else { return false }
      return true
    }
  }

  @Test func `limits come from options or a file`() {
    #expect(throws: IsolationFault.limitsTogether(option: "--memory")) {
      try Self.values([("apply-cgroups", "/f"), ("memory", "1G")], file: "[pids]\nlimit = 1\n")
    }
  }

  static func plan(_ groups: ControlGroups?, _ options: [String] = ["memory", "pids-limit"])
    throws(LaunchFault) -> LimitsPlan?
  {
    var host = Facts.node()
    host.controlGroups = groups
    return try Facts.plan(host: host) { request in
      for name in options { request.limits.values[name] = "100" }
    }.limits
  }

  static func group(_ path: String, _ controllers: [String], _ isWritable: Bool) -> ControlGroups.Group {
    ControlGroups.Group(path: path, controllers: controllers, isWritable: isWritable)
  }

  @Test func `the group is made in the nearest one that is ours and hands on what is needed`() throws {
    let groups = ControlGroups(
      isUnified: true,
      groups: [
        Self.group("/g/job/step", [], true), Self.group("/g/job", ["memory"], true),
        Self.group("/g", ["memory", "pids", "cpu"], true), Self.group("/", ["memory", "pids"], false),
      ])
    #expect(try Self.plan(groups)?.parent == "/g")
    #expect(try Self.plan(groups, ["memory"])?.parent == "/g/job")
    #expect(try Self.plan(groups, [])?.parent == nil)
  }

  @Test func `where none hands on what is needed, the nearest that can begins to`() throws {
    let groups = ControlGroups(
      isUnified: true,
      groups: [
        Self.group("/g/step", [], true),
        ControlGroups.Group(path: "/g", controllers: ["pids"], others: ["memory"], isWritable: true),
        ControlGroups.Group(path: "/", controllers: [], others: ["memory", "pids"], isWritable: true),
      ])
    let plan = try Self.plan(groups)
    #expect(plan?.parent == "/g" && plan?.enabled == ["memory"])
    let first = try Self.plan(groups, ["pids-limit"])
    #expect(first?.parent == "/g" && first?.enabled == [])
  }

  static func nested(_ limits: [LimitsPlan.Value], in path: String = "/g/scope") -> ControlGroups {
    ControlGroups(
      isUnified: true,
      groups: [
        ControlGroups.Group(path: path, controllers: [], isWritable: true, limits: limits),
        group("/g", ["memory", "pids", "cpu", "cpuset"], true),
      ])
  }

  @Test(arguments: [
    ("memory.max", "99"), ("memory.high", "99"), ("memory.swap.max", "0"), ("cpu.max", "1000 100000"),
    ("cpuset.cpus", "0"),
  ]) func `a limit of the caller's group is not left behind`(file: String, text: String) throws {
    let fault = #expect(throws: LaunchFault.self) { try Self.plan(Self.nested([.init(file, text)])) }
    let why = try #require(fault?.explanation.why)
    #expect(why.contains("/g/scope") && why.contains("\(file) = \(text)"))
  }

  @Test(arguments: [
    ("memory", "100", "memory.max", "100"), ("memory", "100", "memory.high", "101"),
    ("cpus", "0.5", "cpu.max", "100000 200000"), ("cpuset-cpus", "0-1", "cpuset.cpus", "0-1"),
  ]) func `a limit that is set no higher takes the place of the caller's`(
    option: String, value: String, file: String, text: String
  ) throws {
    var host = Facts.node()
    host.controlGroups = Self.nested([.init(file, text)])
    let plan = try Facts.plan(host: host) { $0.limits.values[option] = value }
    #expect(plan.limits?.parent == "/g" && plan.limits?.values.count == 1)
  }

  @Test func `of a limit that is set twice the last counts`() throws {
    var host = Facts.node()
    host.controlGroups = Self.nested([.init("memory.max", "100")])
    host.limitsText = "[memory]\nlimit = 100\n[unified]\n\"memory.max\" = \"101\"\n"
    #expect(throws: LaunchFault.self) {
      try Facts.plan(host: host) { $0.limits.values["apply-cgroups"] = "/f" }
    }
  }

  @Test(arguments: [("99", "99"), ("4915", "100")])
  func `the number of processes is carried over`(ours: String, set: String) throws {
    let plan = try Self.plan(Self.nested([.init("pids.max", ours)]))
    #expect(plan?.values == [.init("memory.max", "100"), .init("pids.max", set)])
    let memory = try Self.plan(Self.nested([.init("pids.max", ours)]), ["memory"])
    #expect(memory?.values == [.init("memory.max", "100"), .init("pids.max", ours)])
  }

  @Test(arguments: [
    "/s/slurmstepd.scope", "/s/n1_slurmstepd.scope", "/g/job_7", "/g/step_0", "/g/step_0/user/task_0",
  ]) func `a job step is not left`(path: String) throws {
    let fault = #expect(throws: LaunchFault.self) { try Self.plan(Self.nested([], in: path)) }
    #expect(fault == .isolation(.leavesStep(option: "--memory", group: path)))
  }

  @Test func `a nearer group that could hand on is taken where a limit would be left`() throws {
    let groups = ControlGroups(
      isUnified: true,
      groups: [
        Self.group("/g/a/scope", [], true),
        ControlGroups.Group(
          path: "/g/a", controllers: [], others: ["memory", "pids"], isWritable: true,
          limits: [.init("memory.high", "9")]),
        Self.group("/g", ["memory", "pids"], true),
      ])
    let plan = try Self.plan(groups)
    #expect(plan?.parent == "/g/a" && plan?.enabled == ["memory", "pids"])
  }

  @Test func `what is offered is what a launch could set`() {
    let own = Self.group("/g/scope", [], true)
    let groups = ControlGroups(isUnified: true, groups: [own, Self.group("/g", ["memory", "pids"], true)])
    #expect(groups.offered.controllers == ["memory", "pids"] && groups.offered.refusal == nil)
    // The caller's own is no use while the caller is in it.
    let alone = ControlGroups(isUnified: true, groups: [own, Self.group("/g", ["memory", "pids"], false)])
    #expect(alone.offered.controllers == [] && alone.offered.refusal?.why.contains("do not hand on") == true)
    #expect(Self.nested([.init("memory.max", "9")]).offered.controllers == ["memory"])
    #expect(ControlGroups().offered.refusal?.why.contains("hybrid") == true)
  }

  @Test func `where no group is ours, or one hands on too little, it is said`() {
    func why(_ groups: ControlGroups?) -> String? {
      do throws(LaunchFault) { _ = try Self.plan(groups) } catch { return error.explanation.why }
      return nil
    }
    #expect(why(nil)?.contains("version 2") == true)
    #expect(why(ControlGroups(isUnified: false))?.contains("hybrid") == true)
    #expect(
      why(ControlGroups(isUnified: true, groups: [Self.group("/", ["memory", "pids"], false)]))?
        .contains("none is delegated") == true)
    #expect(
      why(ControlGroups(isUnified: true, groups: [Self.group("/", ["memory"], true)]))?
        .hasSuffix("do not hand on: pids") == true)
  }
}
