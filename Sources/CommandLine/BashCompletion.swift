/// The script for bash, which calls `_apus` with the words in COMP_WORDS. They are split at `=` and `:` too
/// (COMP_WORDBREAKS), so a value may be several of them.
enum BashCompletion {
  static func script(_ entries: [Completion.Entry]) -> String {
    var out = """
      # Completions of apus for bash, made by `apus completion bash`.

      # What may follow a command: its options, which of them take a value, which of those a path, words, files.
      _apus_command() {
        case $1 in

      """
    for entry in entries { out += "    " + branch(entry) + "\n" }
    return out + """
          *) return 1 ;;
        esac
      }

      _apus() {
        local word=${COMP_WORDS[COMP_CWORD]} command='' over='' pending='' next i
        local options values paths words files ends
        [[ $word != [:=] ]] || word=''
        _apus_command ''
        for ((i = 1; i < COMP_CWORD; i++)); do
          next=${COMP_WORDS[i]}
          if [[ -z $over ]]; then
            if [[ $next == -- ]]; then
              over=yes
              continue
            fi
            if [[ $next == -?* ]]; then
              if [[ " $values " == *" $next "* ]]; then
                pending=$next
                ((++i))
                [[ ${COMP_WORDS[i]} != = ]] || ((++i))
                # The value, and what it was split into.
                while ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i + 1]} == [:=] ]]; do ((i += 2)); done
                ((i >= COMP_CWORD)) || pending=''
              fi
              continue
            fi
          fi
          if _apus_command "${command:+$command }$next"; then
            command="${command:+$command }$next"
          elif [[ -z $command ]]; then
            return 0
          else
            [[ $command != help* ]] || words=''
            [[ -z $ends ]] || over=yes
          fi
        done
        if [[ -n $pending ]]; then
          words='' files=''
          [[ " $paths " != *" $pending "* ]] || files=yes
        elif [[ -z $over && $word == -* ]]; then
          words=$options files=''
        fi
        COMPREPLY=()
        [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        if [[ -n $files ]]; then
          compopt -o filenames 2>/dev/null
          mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
        fi
      }
      complete -F _apus apus

      """
  }

  private static func branch(_ entry: Completion.Entry) -> String {
    let valued = entry.options.filter { $0.placeholder != nil }
    let parts = [
      "options='\(entry.options.map { "--" + $0.name }.joined(separator: " "))'",
      "values='\(valued.flatMap(\.spellings).joined(separator: " "))'",
      "paths='\(valued.filter(\.takesPath).flatMap(\.spellings).joined(separator: " "))'",
      "words='\(entry.words.map(\.word).joined(separator: " "))'", "files=\(entry.takesFiles ? "yes" : "''")",
      "ends=\(entry.endsOptions ? "yes" : "''")",
    ]
    return "'\(entry.name)') " + parts.joined(separator: " ") + " ;;"
  }
}
