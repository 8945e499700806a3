/// The script for zsh. It is autoloaded as `_apus` from a folder of completions, or sourced.
enum ZshCompletion {
  static func script(_ entries: [Completion.Entry]) -> String {
    var out = """
      #compdef apus
      # Completions of apus for zsh, made by `apus completion zsh`.

      # What may follow a command: its options, which of them take a value, which of those a path, words, files.
      _apus_command() {
        case $1 in

      """
    for entry in entries { out += branch(entry) }
    return out + """
          *) return 1 ;;
        esac
      }

      _apus() {
        local command='' over='' pending='' files='' ends='' next
        local -a options values paths operands
        integer i
        _apus_command ''
        for ((i = 2; i < CURRENT; i++)); do
          next=$words[i]
          if [[ -z $over ]]; then
            if [[ $next == -- ]]; then
              over=yes
              continue
            fi
            if [[ $next == -?* ]]; then
              if ((${values[(Ie)$next]})); then
                ((i++))
                ((i < CURRENT)) || pending=$next
              fi
              continue
            fi
          fi
          if _apus_command "${command:+$command }$next"; then
            command="${command:+$command }$next"
          elif [[ -z $command ]]; then
            return 1
          else
            [[ $command != help* ]] || operands=()
            [[ -z $ends ]] || over=yes
          fi
        done
        if [[ -z $pending && -z $over && $PREFIX == --*=* ]]; then
          pending=${PREFIX%%=*}
          compset -P 1 '*='
        fi
        if [[ -n $pending ]]; then
          ((${paths[(Ie)$pending]})) && _files
        elif [[ -z $over && $PREFIX == -* ]]; then
          _describe -o option options
        else
          (($#operands)) && _describe word operands
          [[ -n $files ]] && _files
        fi
      }

      if [[ $funcstack[1] == _apus ]]; then
        _apus "$@"
      else
        compdef _apus apus
      fi

      """
  }

  private static func branch(_ entry: Completion.Entry) -> String {
    let valued = entry.options.filter { $0.placeholder != nil }
    let options = entry.options.map { quoted("--\($0.name):\($0.help)") }
    let words = entry.words.map { quoted($0.summary.isEmpty ? $0.word : "\($0.word):\($0.summary)") }
    return """
          '\(entry.name)')
            options=(\(options.joined(separator: " ")))
            values=(\(valued.flatMap(\.spellings).joined(separator: " ")))
            paths=(\(valued.filter(\.takesPath).flatMap(\.spellings).joined(separator: " ")))
            operands=(\(words.joined(separator: " ")))
            files=\(entry.takesFiles ? "yes" : "''") ends=\(entry.endsOptions ? "yes" : "''")
            ;;

      """
  }

  private static func quoted(_ text: String) -> String { Completion.quoted(text, quote: "'\\''") }
}
