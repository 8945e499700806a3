/// What the image's /bin/sh does where native evaluation ends: it sources the image's scripts, sets what was injected,
/// restores the host's variables where nothing set them, and becomes the program.
///
/// Every value comes as a positional parameter and is moved into a variable that is not exported, so no value is ever
/// read as code, may hold newlines, and is hidden from the scripts. A script or an injected value that is broken is
/// reported by the shell and left out; the rest goes on.
struct ShellStub: Equatable, Sendable {
  /// The shell's own environment: nothing of the host.
  let environment: [String]
  /// Values that the script takes off the front of its parameters.
  let values: [String]
  private let head: String
  private let body: String

  /// Programs with more arguments than this leave them in the positional parameters while scripts are sourced.
  private static let hiddenArguments = 64
  /// Names that shells keep for themselves: to unset them would end a shell or change how it reads.
  private static let shellOwned: Set<String> = [
    "IFS", "OPTIND", "PS2", "PS4", "SHELLOPTS", "BASHOPTS", "BASH_VERSINFO", "BASH_ENV", "ENV",
  ]

  init(
    scripts: [String], injected: [InjectedVariables.Variable], isLiteral: Bool, environment: ImageEnvironment
  ) {
    var values: [String] = []
    func parameter(_ value: String) -> String {
      values.append(value)
      return "\"$_apus\(values.count)\""
    }
    // What is fixed is no matter of the host's.
    let host = environment.host.filter { variable in
      !Self.shellOwned.contains(variable.name) && !environment.fixed.contains { $0.name == variable.name }
    }
    var body = scripts.filter { $0 < ImageEnvironment.baseScript }.map(Self.source).joined()
    body += "export LD_LIBRARY_PATH=\"${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}\(boundLibraries)\"\n"
    for variable in injected {
      let name = (InjectedVariables.pathNames.contains(variable.name) ? "_apus_" : "") + variable.name
      if isLiteral || variable.isLiteral {
        body += "export \(name)=\(parameter(variable.value))\n"
      } else if let word = Self.evaluated(variable.value) {
        body += "_apus_eval \(name) \(parameter(word))\n"
      }
    }
    body += Self.paths
    body += scripts.filter { $0 > ImageEnvironment.baseScript }.map(Self.source).joined()
    for variable in host { body += "_apus_host \(variable.name) \(parameter(variable.value))\n" }
    self.body = body
    self.values = values
    self.environment =
      environment.fixed.map { $0.name + "=" + $0.value } + [
        "HOME=" + environment.home, "PATH=" + defaultPath,
      ]
    var head = values.indices.map { "_apus\($0 + 1)=${\($0 + 1)}" }.joined(separator: "\n")
    head +=
      "\nshift \(values.count)\nunset \((host.map(\.name) + ["PS1", "PROMPT_COMMAND", "SHLVL"]).joined(separator: " "))\n"
    self.head = head + Self.functions
  }

  /// The words of the shell's command line. `byName`: as `ProgramPlan.isFoundByName`.
  func arguments(for program: [String], byName: Bool = false) -> [String] {
    var script = head
    if program.count <= Self.hiddenArguments {
      for index in program.indices { script += "_apus_a\(index + 1)=${\(index + 1)}\n" }
      script += "set --\n" + body
      script += "set -- " + program.indices.map { "\"$_apus_a\($0 + 1)\"" }.joined(separator: " ") + "\n"
    } else {
      script += body
    }
    if byName { script += Self.name }
    return ["/bin/sh", "-c", script + Self.last, "apus"] + values + program
  }

  private static func source(_ script: String) -> String {
    // `command` keeps a script with an error from ending the shell.
    let path = script == ImageEnvironment.oldScript ? script : "/.singularity.d/env/" + script
    var text = "command . \(quoted(path))\nset +aeu\n"
    if script.hasPrefix("10-docker") { text += "_apus_standard\n" }
    return text
  }

  private static let functions = """
    _apus_standard() {
      for _apus_d in \(ImageEnvironment.standardDirectories.joined(separator: " ")); do
        case ":$PATH:" in *":$_apus_d:"*) ;; *) PATH="${PATH:+$PATH:}$_apus_d" ;; esac
      done
      export PATH
    }
    _apus_host() { eval "[ -n \\"\\${$1+x}\\" ]" || export "$1=$2"; }
    _apus_eval() {
      if _apus_v=$(eval "printf %s. $2"); then export "$1=${_apus_v%.}"
      else echo "WARNING: not setting ${1#_apus_}: its value cannot be evaluated" >&2; fi
    }

    """

  /// What ImageEnvironment.applyPathOptions does.
  private static let paths = """
    case ":${LD_LIBRARY_PATH-}:" in ::|*:\(boundLibraries):*) ;; *) LD_LIBRARY_PATH="$LD_LIBRARY_PATH:\(boundLibraries)" ;; esac
    LD_LIBRARY_PATH="${_apus_PREPEND_LD_LIBRARY_PATH:+$_apus_PREPEND_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:}}${LD_LIBRARY_PATH-}"
    LD_LIBRARY_PATH="${LD_LIBRARY_PATH-}${_apus_APPEND_LD_LIBRARY_PATH:+${LD_LIBRARY_PATH:+:}$_apus_APPEND_LD_LIBRARY_PATH}"
    PATH="${_apus_PREPEND_PATH:+$_apus_PREPEND_PATH:}${PATH:-\(defaultPath)}${_apus_APPEND_PATH:+:$_apus_APPEND_PATH}"
    PATH="${_apus_PATH:-$PATH}"
    export PATH LD_LIBRARY_PATH
    unset _apus_PATH _apus_PREPEND_PATH _apus_APPEND_PATH _apus_PREPEND_LD_LIBRARY_PATH _apus_APPEND_LD_LIBRARY_PATH

    """

  private static let name = """
    case $1 in /*)
      if ! [ -e "$1" ]; then
        _apus_n=${1##*/}
        shift
        set -- "$_apus_n" "$@"
      fi ;;
    esac

    """

  private static let last = """
    # bash counts it down when it becomes another program.
    [ -z "${BASH_VERSION-}" ] || [ -z "${SHLVL-}" ] || SHLVL=$((SHLVL + 1))
    export PS1="${PS1-\(ImageEnvironment.prompt)}"
    [ -n "${PROMPT_COMMAND+x}" ] || export PROMPT_COMMAND="PS1=\\"$PS1\\"; unset PROMPT_COMMAND"
    if ! command -v "$1" >/dev/null 2>&1; then
      case $1 in
      */*) if [ -e "$1" ]; then
          printf 'FATAL:   cannot run %s: it is not executable\\n' "$1" >&2
          exit 126
        fi
        printf 'FATAL:   cannot run %s: it does not exist in the container\\n' "$1" >&2 ;;
      *) printf "FATAL:   cannot run %s: it is in no directory of the container's PATH (%s)\\n" "$1" "$PATH" >&2 ;;
      esac
      exit 127
    fi
    exec "$@"
    """

  /// A word that the shell takes literally.
  static func quoted(_ text: String) -> String {
    // By scalars: a quote with a combining mark behind it is a Character of its own.
    "'" + text.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
  }

  /// A value as a word between double quotes: quotes in it are characters, except within `$(…)`, `${…}` and
  /// backticks. nil: one of those does not end.
  static func evaluated(_ value: String) -> String? {
    let bytes = Array(value.utf8)
    var word: [UInt8] = [UInt8(ascii: "\"")]
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      switch Unicode.Scalar(byte) {
      case "\"":
        word += Array("\\\"".utf8)
        position += 1
      case "\\":
        guard position + 1 < bytes.count else {
          return String(decoding: word + Array("\\\\\"".utf8), as: UTF8.self)
        }
        word +=
          bytes[position + 1] == UInt8(ascii: "\"") ? Array("\\\\\\\"".utf8) : [byte, bytes[position + 1]]
        position += 2
      case "`", "$":
        guard let end = ShellSpan.end(of: bytes, from: position) else { return nil }
        word += bytes[position..<end]
        position = end
      default:
        word.append(byte)
        position += 1
      }
    }
    return String(decoding: word, as: UTF8.self) + "\""
  }
}
