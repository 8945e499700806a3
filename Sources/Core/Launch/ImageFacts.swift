public import Model

/// What a plan needs to know of the image, looked up through its mount.
public struct ImageFacts: Equatable, Sendable {
  /// What is at a path of the image.
  public enum Target: Equatable, Sendable {
    case directory
    case other
    /// Nothing. `parent` is the deepest directory on the way that exists, with links followed; `rest` the names below it
    /// that do not. `parentIsEmpty`: whether a tmpfs over it would hide nothing.
    case missing(parent: String, rest: [String], parentIsEmpty: Bool)
  }

  public var targets: Lookup<Target>
  /// Texts of the environment scripts, in order of their names, without those whose meaning is fixed.
  public var environmentScripts: [(name: String, text: String)]
  public var runScript: String?
  public var runScriptIsExecutable: Bool
  public var passwd: String?
  public var group: String?
  /// Which of the programs asked about exist.
  public var programs: [String]
  /// Whether overlays can be made in the launch's user namespace.
  public var hasOverlay: Bool
  public var isSandbox: Bool
  /// Whether the user's home directory has a place inside, shown by a mount or made in the image.
  public var hasHome = true

  public init(
    targets: Lookup<Target> = [:], environmentScripts: [(name: String, text: String)] = [],
    runScript: String? = nil,
    runScriptIsExecutable: Bool = true, passwd: String? = nil, group: String? = nil, programs: [String] = [],
    hasOverlay: Bool = true, isSandbox: Bool = false
  ) {
    self.targets = targets
    self.environmentScripts = environmentScripts
    self.runScript = runScript
    self.runScriptIsExecutable = runScriptIsExecutable
    self.passwd = passwd
    self.group = group
    self.programs = programs
    self.hasOverlay = hasOverlay
    self.isSandbox = isSandbox
  }

  public static func == (left: ImageFacts, right: ImageFacts) -> Bool {
    left.targets == right.targets && left.environmentScripts.elementsEqual(right.environmentScripts, by: ==)
      && left.runScript == right.runScript && left.runScriptIsExecutable == right.runScriptIsExecutable
      && left.passwd == right.passwd && left.group == right.group && left.programs == right.programs
      && left.hasOverlay == right.hasOverlay && left.isSandbox == right.isSandbox
      && left.hasHome == right.hasHome
  }
}
