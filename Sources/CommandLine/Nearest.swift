/// The known name that a mistyped one probably meant.
public enum Nearest {
  /// nil where no name is near enough to be worth a question: one edit for short words and for names with another first
  /// letter, two or a third of the word for others. Short names that begin differently are never the same: nv, env.
  public static func name(to word: String, among names: [String]) -> String? {
    let ranked = names.filter { isNear(word, $0) }.map { ($0, distance(word, $0)) }
    return ranked.min { $0.1 < $1.1 }?.0
  }

  private static let short = 4

  private static func isNear(_ word: String, _ name: String) -> Bool {
    let isShort = min(word.count, name.count) <= short
    guard word.first == name.first else { return !isShort && distance(word, name) <= 1 }
    let edits = distance(word, name)
    return edits < word.count && edits <= (isShort ? 1 : max(2, word.count / 3))
  }

  /// Insertions, deletions, replacements, and neighbours that changed places (optimal string alignment).
  static func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left)
    let right = Array(right)
    var before = [Int](repeating: 0, count: right.count + 1)
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var next = [i + 1]
      next.reserveCapacity(right.count + 1)
      for (j, b) in right.enumerated() {
        var least = min(row[j + 1] + 1, next[j] + 1, row[j] + (a == b ? 0 : 1))
        if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { least = min(least, before[j - 1] + 1) }
        next.append(least)
      }
      (before, row) = (row, next)
    }
    return row[right.count]
  }
}
