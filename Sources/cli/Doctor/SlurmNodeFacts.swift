public import Model
public import PluginStamp

/// What was found on a host of a cluster with Slurm: values only, so that tables can judge the diagnosis.
public struct SlurmNodeFacts: Equatable, Sendable {
  public enum Plugin: Equatable, Sendable {
    /// Number of errno(3) of reading it.
    case unreadable(Int32)
    case noPlugin(Explanation)
    /// For that version of Slurm. Others than root may change the file, or one of the directories it lies in, where
    /// `isOpen` names one.
    case stamped(SlurmVersion?, isOpen: String?)
  }

  /// A directory that jobs of all users make names in.
  public struct Directory: Equatable, Sendable {
    public let path: String
    /// nil: there is none.
    public var mode: UInt32?
    /// Bytes that an ordinary user can still write.
    public var free = 0
    /// What it is called where other nodes see it as well.
    public var networkName: String?

    public init(path: String, mode: UInt32? = nil, free: Int = 0, networkName: String? = nil) {
      self.path = path
      self.mode = mode
      self.free = free
      self.networkName = networkName
    }
  }

  public var slurm: SlurmVersion?
  /// plugstack.conf, and whether it is there.
  public var stack = ""
  public var hasStack = false
  /// The file with our plugin's line; nil where no file has one.
  public var lineFile: String?
  public var isRequired = true
  /// What is wrong with the line's words.
  public var lineFault: Explanation?
  public var pluginPath = ""
  public var plugin = Plugin.unreadable(2)
  public var helper = ""
  /// What it says to `version`; nil where it does not run.
  public var helperVersion: String?
  /// What the asking host has.
  public var expected = ""
  /// nil: the site copies nothing to its nodes.
  public var cache: Directory?
  /// Bytes that stay free whatever is cached.
  public var minimumFree = 0
  public var runtime = Directory(path: "/run/apus")
  /// Steps start here and do not run here.
  public var isSubmitHost = false
  public var node = NodeFacts()

  public init() {}
}
