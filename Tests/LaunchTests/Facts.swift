import Linux
import Model
import Settings

@testable import Launch

/// Requests and facts that tests start from.
enum Facts {
  static let entry = PasswordEntry(
    name: "ann", uid: 1000, gid: 1000, comment: "Ann", home: "/home/ann", shell: "/bin/zsh")
  static let user = User(uid: 1000, gid: 1000, groups: [1000, 27, 5000], entry: entry)

  static func host(_ environment: [String] = [], user: User = user) -> HostFacts {
    HostFacts(user: user, currentDirectory: "/home/ann", variables: Variables(environment), kinds: [:])
  }

  /// A host with what every node has; `others` lie on it beside that.
  static func node(
    _ others: Lookup<HostFacts.Kind> = [:], directory: String? = "/home/ann", environment: [String] = []
  ) -> HostFacts {
    var host = host(environment)
    host.currentDirectory = directory
    host.kinds = others
    for path in ["/home/ann", "/tmp", "/var/tmp"] { host.kinds[path] = .directory }
    for path in ["/etc/hosts", "/etc/localtime"] { host.kinds[path] = .other }
    host.resolverConfiguration = Array("nameserver 10.0.0.1\n".utf8)
    host.memoryBytes = 1 << 30
    return host
  }

  /// An image in which every mount point exists but those of `targets`.
  static func image(targets: Lookup<ImageFacts.Target>, hasOverlay: Bool = true, isSandbox: Bool = false)
    -> ImageFacts
  {
    ImageFacts(
      targets: targets, passwd: "", group: "", programs: ["/bin/sh"], hasOverlay: hasOverlay,
      isSandbox: isSandbox)
  }

  static func plan(
    host: HostFacts = node(), image: ImageFacts = image(targets: [:]), settings: Settings = Settings(),
    change: (inout LaunchRequest) -> Void = { _ in }
  ) throws(LaunchFault) -> Plan {
    try planLaunch(request(change: change), settings: settings, host: host, image: image)
  }

  static func request(
    _ action: LaunchRequest.Action = .exec, _ arguments: [String] = ["true"],
    change: (inout LaunchRequest) -> Void = { _ in }
  ) -> LaunchRequest {
    var request = LaunchRequest(action, imagePath: "/images/tiny.sif", arguments: arguments)
    change(&request)
    return request
  }

  static func image(_ scripts: [(name: String, text: String)] = [], programs: [String] = ["/bin/sh"])
    -> ImageFacts
  {
    ImageFacts(environmentScripts: scripts.sorted { $0.name < $1.name }, programs: programs)
  }
}
