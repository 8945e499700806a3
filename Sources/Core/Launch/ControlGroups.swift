public import Model

/// What the host has of control groups, as far as a launch could make one of its own.
public struct ControlGroups: Equatable, Sendable {
  /// Whether version 2 is in charge: mounted where it belongs, and no other.
  public var isUnified: Bool
  /// The caller's group and those above it, the nearest first.
  public var groups: [Group]

  public struct Group: Equatable, Sendable {
    /// Absolute, of the host's file system.
    public var path: String
    /// What groups below may limit (cgroup.subtree_control).
    public var controllers: [String]
    /// What it could hand on besides: all it has itself (cgroup.controllers), if none of its processes is in the way and
    /// the caller may.
    public var others: [String]
    /// Whether the caller may make groups in it and move its own processes between them.
    public var isWritable: Bool
    /// What is set of the files that limit those in it (`limitFiles`).
    public var limits: [LimitsPlan.Value]

    public init(
      path: String, controllers: [String], others: [String] = [], isWritable: Bool,
      limits: [LimitsPlan.Value] = []
    ) {
      self.path = path
      self.controllers = controllers
      self.others = others
      self.isWritable = isWritable
      self.limits = limits
    }
  }

  public init(isUnified: Bool = false, groups: [Group] = []) {
    self.isUnified = isUnified
    self.groups = groups
  }
}

/// Plans the limits of a launch; nil: there are none.
func planLimits(_ request: LaunchRequest, host: HostFacts) throws(IsolationFault) -> LimitsPlan? {
  guard !request.limits.isEmpty, let option = request.limits.first else { return nil }
  let values = try limitValues(request.limits, file: host.limitsText, devices: host.blockDevices)
  return try (host.controlGroups ?? ControlGroups()).plan(values, option: option)
}

extension ControlGroups {
  /// The group of `values`. It is made in the nearest one that the caller may use and that hands on every controller needed,
  /// else in the nearest that can: in the caller's own it rarely can be, because groups that hand controllers on have no
  /// processes themselves (cgroups(7), "no internal processes"). Where that would leave limits of the caller's behind, there
  /// is none.
  func plan(_ values: [LimitsPlan.Value], option: String) throws(IsolationFault) -> LimitsPlan {
    guard isUnified else {
      throw .noLimits(
        option: option,
        why: "that takes control groups of version 2, and this node has version 1, or both (hybrid)")
    }
    var needed: [String] = []
    // What every group has (`cgroup.max.depth`) is no controller's.
    for value in values where value.controller != "cgroup" && !needed.contains(value.controller) {
      needed.append(value.controller)
    }
    let usable = groups.filter(\.isWritable)
    guard !usable.isEmpty else { throw .noGroup(option: option) }
    // One that could hand on may be nearer than one that does, and leave less behind.
    let able =
      usable.filter { group in needed.allSatisfy(group.controllers.contains) }
      + usable.filter { group in needed.allSatisfy((group.controllers + group.others).contains) }
    var refusal: IsolationFault?
    for parent in able {
      do throws(IsolationFault) {
        return LimitsPlan(
          parent: parent.path, enabled: needed.filter { !parent.controllers.contains($0) },
          values: try self.values(values, in: parent, option: option), reason: option)
      } catch { refusal = refusal ?? error }
    }
    if let refusal { throw refusal }
    let lacking = needed.filter { name in !usable.contains { ($0.controllers + $0.others).contains(name) } }
    let names = (lacking.isEmpty ? needed : lacking).connected(by: ", ")
    throw .noLimits(option: option, why: "the control groups that are yours do not hand on: \(names)")
  }
}
