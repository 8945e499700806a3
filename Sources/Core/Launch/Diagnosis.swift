internal import Glibc
public import Model

/// What a program could not do in its container, and the options that would let it: the end of `--diagnose`.
public struct Diagnosis: Equatable, Sendable {
  /// One for each thing found: what, and what to do.
  public private(set) var findings: [String] = []
  /// The options to add, in their order, each once.
  public private(set) var options: [String] = []

  private let plan: Plan
  private let home: String?

  /// `home`: where the home directory is in the container.
  public init(_ observations: [Observation], plan: Plan, home: String?) {
    self.plan = plan
    self.home = home
    findWrites(observations)
    findMissing(observations)
    findShadows(observations)
  }

  /// For the user, in lines.
  public var lines: [String] {
    guard !findings.isEmpty else {
      return ["diagnosis: nothing the program was refused has to do with its container"]
    }
    let add = options.isEmpty ? [] : ["diagnosis: add to the command: " + options.connected(by: " ")]
    return findings.map { "diagnosis: " + $0 } + add
  }

  private mutating func add(_ finding: String, _ options: String...) {
    findings.append(finding)
    for option in options where !self.options.contains(option) { self.options.append(option) }
  }

  /// `--bind` with its paths, as a shell takes it.
  private static func bind(_ paths: [String]) -> String {
    let words = paths.map { path in
      path.unicodeScalars.map { $0 == ":" || $0 == "," ? "\\\($0)" : String($0) }.connected(by: "")
    }
    let value = words.connected(by: ":")
    let isPlain = value.utf8.allSatisfy { byte in
      switch Unicode.Scalar(byte) {
      case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "_", "-", "+", "=", "@", "%", ":", ",": true
      default: false
      }
    }
    return "--bind " + (isPlain ? value : ShellStub.quoted(value))
  }

  /// The mount that a path of the container lies on; nil: the root.
  private func cover(of path: String) -> Step? {
    var found: Step?
    for planned in plan.steps {
      switch planned.step {
      case .bind(_, let target, _, _), .bindImage(_, _, let target, _), .fileSystem(_, let target, _),
        .sessionDirectory(let target, _), .generatedFile(let target, _, _):
        if ContainerPath.isBelow(path, target) { found = planned.step }
      default: break
      }
    }
    return found
  }

  private mutating func findWrites(_ observations: [Observation]) {
    let refused = observations.filter { seen in
      seen.failure == EROFS || (seen.failure == EACCES && seen.use == .write)
    }
    var told: [String] = []
    for seen in refused {
      let folder = ContainerPath.parent(seen.path)
      let why = seen.failure == EROFS ? "read-only" : "permission denied"
      guard !told.contains(folder + why) else { continue }
      told.append(folder + why)
      let path = printable(seen.path)
      switch cover(of: seen.path) {
      case nil:
        let isRoots = seen.failure == EACCES
        add(
          "could not write \(path) (\(why)), which lies in the image: --writable-tmpfs lets it, until the container ends;"
            + " to keep what is written, --bind DIRECTORY:\(printable(folder))"
            + (isRoots ? "; it belongs to root there, which takes --fakeroot too" : ""),
          "--writable-tmpfs")
        if isRoots, !options.contains("--fakeroot") { options.append("--fakeroot") }
      case .bind(let source, let target, let isWritable, _):
        if ["/proc", "/sys", "/dev"].contains(where: { ContainerPath.isBelow(target, $0) }) { continue }
        if isWritable {
          add(
            "could not write \(path) (\(why)): that is \(printable(source)) of the host, and would be refused there too"
          )
        } else {
          add(
            "could not write \(path) (\(why)): \(printable(source)) is shown read-only; bind it without :ro",
            Self.bind(source == target ? [source] : [source, target]))
        }
      default: continue
      }
    }
  }

  /// What the image has of its own: a path missing there is no question of binds.
  private static let ofImage = [
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/proc", "/sys", "/dev", "/run",
    "/.singularity.d",
  ]

  private mutating func findMissing(_ observations: [Observation]) {
    var told: [String] = []
    for seen in observations {
      guard let part = seen.onHost, !told.contains(part),
        !Self.ofImage.contains(where: { ContainerPath.isBelow(seen.path, $0) })
      else { continue }
      told.append(part)
      add(
        "did not find \(printable(seen.path)), which the host has: \(Self.bind([part])) shows it",
        Self.bind([part]))
    }
  }

  /// Files of the home directory that programs take in place of the image's own.
  private static let shadows: [(mark: String, what: String)] = [
    ("/.local/lib/python", "Python packages"), ("/.local/bin/", "programs"), ("/R/", "R packages"),
    ("/.Rprofile", "R settings"), ("/.Renviron", "R settings"), ("/.julia/", "Julia packages"),
    ("/perl5/", "Perl modules"), ("/.conda", "conda settings"), ("/.condarc", "conda settings"),
    ("/.npm", "Node.js packages"), ("/.config/matplotlib/", "matplotlib settings"),
  ]

  private mutating func findShadows(_ observations: [Observation]) {
    guard let home else { return }
    var told: [String] = []
    for seen in observations where seen.failure == 0 && ContainerPath.isBelow(seen.path, home) {
      let rest = String(seen.path.dropFirst(home.count))
      let isLibrary = ContainerPath.lastComponent(rest).fields(at: UInt8(ascii: ".")).dropFirst()
        .contains("so")
      guard
        let what = Self.shadows.first(where: { rest.hasPrefix($0.mark) })?.what
          ?? (isLibrary ? "libraries" : nil),
        !told.contains(what)
      else { continue }
      told.append(what)
      add(
        "used \(what) of the home directory (\(printable(seen.path))) in place of the image's own: --no-home leaves the home"
          + " directory out, --contain gives an empty one", "--no-home")
    }
  }
}
