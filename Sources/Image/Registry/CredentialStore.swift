internal import Glibc
internal import Linux
public import Model
public import Reference
internal import Synchronization

/// Finds the credential for a registry: asks one source after the other, the first that has something counts.
/// May be used by several threads; each file's answer and each helper's is asked for once in the life of the
/// process.
public final class CredentialStore: Sendable {
  private struct State {
    /// By registry and repository.
    var known: [String: Credential?] = [:]
    /// By program and key.
    var answers: [String: Result<CredentialHelper.Answer, CredentialFault>] = [:]
    var notices: [Notice] = []
  }

  private let sources: CredentialSources
  /// Held while a helper runs: who asks for the same waits for that answer.
  private let state = Mutex(State())

  /// Credentials of more than this are nobody's: 1 MiB.
  static let fileLimit = 1 << 20

  public init(_ sources: CredentialSources) { self.sources = sources }

  /// nil: be anonymous.
  public func credential(for reference: ImageReference) throws(CredentialFault) -> Credential? {
    if let credential = sources.explicit ?? sources.fromEnvironment { return credential }
    return try state.withLock { state throws(CredentialFault) in
      if let known = state.known[reference.name] { return known }
      for file in sources.files {
        do throws(CredentialFault) {
          guard let found = try credential(in: file, reference, &state) else { continue }
          state.known[reference.name] = found
          return found
        } catch {
          if file.isNamed || Self.isFatal(error) { throw error }
          state.notices.append(Self.notice(error))
        }
      }
      state.known[reference.name] = .some(nil)
      return nil
    }
  }

  /// What the user should know of sources that could not be used; each is given once.
  public func takeNotices() -> [Notice] {
    state.withLock { state in
      defer { state.notices = [] }
      return state.notices
    }
  }

  private func credential(
    in file: CredentialSources.File, _ reference: ImageReference, _ state: inout State
  ) throws(CredentialFault) -> Credential? {
    let bytes: [UInt8]
    do throws(SystemCallFault) { bytes = try File.readAll(file.path, limit: Self.fileLimit) } catch {
      if !file.isNamed, error.number == ENOENT || error.number == ENOTDIR { return nil }
      throw .unreadable(path: file.path, why: errorText(error.number))
    }
    if file.form == .netrc {
      return NetrcFile(parsing: String(decoding: bytes, as: UTF8.self))
        .credential(for: reference.registryName)
    }
    let table = try CredentialTable(parsing: bytes, path: file.path)
    let registry = reference.registryName
    if let (name, key) = table.helper(for: registry.keys),
      case .credential(let found) = try ask(name, namedIn: file.path, key, &state)
    {
      return found
    }
    if let found = try table.credential(for: reference.credentialKeys) { return found }
    guard let name = table.store else { return nil }
    // It was not named for this registry: what is wrong with it must not keep a public image away.
    do throws(CredentialFault) {
      let key = RegistryName(registry: reference.registry).key
      if case .credential(let found) = try ask(name, namedIn: file.path, key, &state) { return found }
    } catch { state.notices.append(Self.notice(error)) }
    return nil
  }

  private func ask(
    _ name: String, namedIn path: String, _ key: String, _ state: inout State
  ) throws(CredentialFault) -> CredentialHelper.Answer {
    let helper = try CredentialHelper(name, namedIn: path, sources.helpers)
    let question = helper.program + " " + key
    if let answer = state.answers[question] { return try answer.get() }
    do throws(CredentialFault) {
      let answer = try helper.get(key)
      state.answers[question] = .success(answer)
      return answer
    } catch {
      state.answers[question] = .failure(error)
      throw error
    }
  }

  /// The helper somebody named for this very registry must work; a damaged file of another program need not.
  private static func isFatal(_ fault: CredentialFault) -> Bool {
    switch fault {
    case .unreadable, .notJSON, .entry, .unwritable: false
    case .helperName, .helperMissing, .helperFailed, .helperSilent, .helperAnswer, .privileged: true
    }
  }

  private static func notice(_ fault: CredentialFault) -> Notice {
    Notice(.warning, fault.explanation.what + ": " + fault.explanation.why)
  }
}
