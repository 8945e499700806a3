internal import Model

/// By which way an image came within reach of a launch: what `explain` and the verbose story say of it.
public enum MountForm: Equatable, Sendable {
  /// The group's server ran already.
  case joined
  /// This launch started the group's server, which waits that long for the next launch, in seconds.
  case started(lingerSeconds: Double)
  case ownServer
  case kernel
  case sandbox
  case unpacked

  /// One clause.
  public var text: String {
    switch self {
    case .joined: "mounted by a running server, shared with other launches"
    case .started(let seconds):
      "mounted by a server started for it, shared with later launches (linger \(seconds) s)"
    case .ownServer: "mounted by a server of this launch alone"
    case .kernel: "mounted by the kernel's squashfs on a loop device"
    case .sandbox: "a directory of the host, used as it is"
    case .unpacked: "unpacked, because it cannot be mounted here"
    }
  }

  /// One word.
  public var name: String {
    switch self {
    case .joined, .started: "shared server"
    case .ownServer: "private server"
    case .kernel: "kernel"
    case .sandbox: "sandbox"
    case .unpacked: "unpacked"
    }
  }
}

extension ImageFile {
  /// What the file is, in a few words.
  public var summary: String {
    let architecture = architecture.map { ", for \($0.rawValue)" } ?? ""
    return switch kind {
    case .sandbox: "a sandbox directory"
    case .squashfs(let offset, let size):
      isSIF
        ? "a SIF with a squashfs of \(size) bytes at \(offset)\(architecture)"
        : "a bare squashfs of \(size) bytes"
    }
  }
}
