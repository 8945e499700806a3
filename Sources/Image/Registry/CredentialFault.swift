public import Model

/// Why credentials cannot be read or kept. None of the cases holds a secret, nor what a helper printed: it
/// may be one.
public enum CredentialFault: Error, Equatable, Sendable {
  case unreadable(path: String, why: String)
  case notJSON(path: String, why: String, offset: Int)
  /// The entry of a registry in a file is not what docker writes.
  case entry(path: String, key: String)
  case unwritable(path: String, why: String)
  /// A name that is no part of a program's name, from `credHelpers` or `credsStore`.
  case helperName(String, path: String)
  case helperMissing(program: String, key: String)
  case helperFailed(program: String, key: String, code: Int32)
  case helperSilent(program: String, key: String, seconds: Int)
  case helperAnswer(program: String, key: String)
  /// Helpers are run by users, never with rights that are not theirs.
  case privileged(program: String)
}

extension CredentialFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .unreadable(let path, let why):
      Explanation(
        what: "cannot read the credentials in \(printable(path))", why: why,
        remedy: "check the path and its permissions")
    case .notJSON(let path, let why, let offset):
      Explanation(
        what: "cannot read the credentials in \(printable(path))",
        why: "it is no JSON: \(why), at byte \(offset)", remedy: "mend the file, or log in anew without it")
    case .entry(let path, let key):
      Explanation(
        what: "cannot read the credentials in \(printable(path))",
        why: "the entry of \(printable(key)) is not what docker and podman write there",
        remedy: "log in anew: apus registry login docker://HOST")
    case .unwritable(let path, let why):
      Explanation(
        what: "cannot keep credentials in \(printable(path))", why: why,
        remedy: "check the folder's permissions, or name another file with --authfile")
    case .helperName(let name, let path):
      Explanation(
        what: "cannot use the credential helper \"\(printable(name))\"",
        why: "\(printable(path)) names it, and a name has only letters, digits, dots, dashes and underscores",
        remedy: "mend credHelpers or credsStore in that file")
    case .helperMissing(let program, let key):
      Explanation(
        what: "cannot get the credential for \(printable(key))", why: "\(program) is not in PATH",
        remedy: "install it, or take it out of credHelpers and credsStore")
    case .helperFailed(let program, let key, let code):
      Explanation(
        what: "cannot get the credential for \(printable(key))", why: "\(program) ended with code \(code)",
        remedy: Self.trial(program, key))
    case .helperSilent(let program, let key, let seconds):
      Explanation(
        what: "cannot get the credential for \(printable(key))",
        why: "\(program) did not answer within \(seconds) seconds", remedy: Self.trial(program, key))
    case .helperAnswer(let program, let key):
      Explanation(
        what: "cannot get the credential for \(printable(key))",
        why: "\(program) did not answer as credential helpers do", remedy: Self.trial(program, key))
    case .privileged(let program):
      Explanation(
        what: "cannot run \(program)", why: "this process has rights that are not its user's",
        remedy: "run it as an ordinary user")
    }
  }

  private static func trial(_ program: String, _ key: String) -> String {
    "see what it says: echo \(printable(key)) | \(program) get"
  }
}
