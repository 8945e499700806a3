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
