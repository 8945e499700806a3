/// The script for fish: a rule for each thing that can be completed, with the words before it as its condition.
enum FishCompletion {
  static func script(_ entries: [Completion.Entry]) -> String {
    var out = """
      # Completions of apus for fish, made by `apus completion fish`.

      # Prints the words before the cursor that are no options.
      function __apus_words
        set -l tokens (commandline -opc)
        set -e tokens[1]
        set -l skip
        set -l found
        for token in $tokens
          if test -n "$skip"
            set skip
          else if not set -q found[1]; and contains -- $token \(valued(entries))
            # The value of an option before the command.
            set skip yes
          else if not string match -q -- '-*' $token
            set -a found $token
            echo $token
          end
        end
      end

      # Whether those words begin with the ones given.
      function __apus_behind
        set -l found (__apus_words)
        set -l count (count $argv)
        test (count $found) -ge $count; and test "$found[1..$count]" = "$argv"
      end

      # Whether they are the ones given.
      function __apus_at
        set -l found (__apus_words)
        test "$found" = "$argv"
      end

      complete -c apus -f

      """
    for entry in entries { out += rules(entry) }
    return out
  }

  /// Spellings of the options before a command that take a value.
  private static func valued(_ entries: [Completion.Entry]) -> String {
    let options = entries.first { $0.path.isEmpty }?.options ?? []
    return options.filter { $0.placeholder != nil }.flatMap(\.spellings).joined(separator: " ")
  }

  private static func rules(_ entry: Completion.Entry) -> String {
    let at = "complete -c apus -n '__apus_at\(entry.path.map { " " + $0 }.joined())'"
    let behind =
      entry.path.isEmpty ? at : "complete -c apus -n '__apus_behind\(entry.path.map { " " + $0 }.joined())'"
    var out = ""
    for (word, summary) in entry.words {
      out += "\(at) -a \(word)" + (summary.isEmpty ? "" : " -d \(quoted(summary))") + "\n"
    }
    if entry.takesFiles { out += "\(behind) -F\n" }
    for option in entry.options {
      let letter = option.letter.map { " -s \($0)" } ?? ""
      let value = option.placeholder == nil ? "" : option.takesPath ? " -r -F" : " -x"
      out += "\(behind) -l \(option.name)\(letter)\(value) -d \(quoted(option.help))\n"
    }
    return out
  }

  private static func quoted(_ text: String) -> String {
    let escaped = text.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\")
    return Completion.quoted(escaped, quote: "\\'")
  }
}
