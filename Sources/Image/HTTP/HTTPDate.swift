internal import Model

/// The dates of HTTP (RFC 9110, section 5.6.7).
package enum HTTPDate {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Seconds since 1970 of any of the three forms, nil for anything else. The two digits of a year in the form of RFC
  /// 850 mean the latest such year that is not more than 50 years after `now`.
  package static func seconds(_ text: String, now: Int) -> Int? {
    let words = text.fields(at: UInt8(ascii: " ")).filter { !$0.isEmpty }
    switch words.count {
    case 6 where words[5] == "GMT":  // Sun, 06 Nov 1994 08:49:37 GMT
      return seconds(
        year: number(words[3], digits: 4), month: words[2], day: number(words[1]), time: words[4])
    case 4 where words[3] == "GMT":  // Sunday, 06-Nov-94 08:49:37 GMT
      let date = words[1].fields(at: UInt8(ascii: "-"))
      guard date.count == 3, let short = number(date[2], digits: 2) else { return nil }
      let present = civil(now).year
      var year = present - present % 100 + short
      if year > present + 50 { year -= 100 } else if year <= present - 50 { year += 100 }
      return seconds(year: year, month: date[1], day: number(date[0]), time: words[2])
    case 5:  // Sun Nov  6 08:49:37 1994
      return seconds(
        year: number(words[4], digits: 4), month: words[1], day: number(words[2]), time: words[3])
    default: return nil
    }
  }

  /// As people read it: `2026-11-25 22:22 UTC`.
  package static func text(_ seconds: Int) -> String {
    let date = civil(seconds)
    let rest = seconds - days(year: date.year, month: date.month, day: date.day) * 86400
    return "\(date.year)-\(two(date.month))-\(two(date.day)) \(two(rest / 3600)):\(two(rest / 60 % 60)) UTC"
  }

  private static func seconds(year: Int?, month: Substring, day: Int?, time: Substring) -> Int? {
    let clock = time.fields(at: UInt8(ascii: ":")).map { number($0, digits: 2) }
    guard let year, let day, let month = months.firstIndex(of: String(month)), year >= 1970,
      (1...31).contains(day), clock.count == 3, let hour = clock[0], let minute = clock[1],
      let second = clock[2],
      hour < 24, minute < 60, second <= 60
    else { return nil }
    return days(year: year, month: month + 1, day: day) * 86400 + hour * 3600 + minute * 60 + second
  }

  private static func number(_ text: Substring, digits: Int? = nil) -> Int? {
    guard digits == nil ? (1...2).contains(text.utf8.count) : text.utf8.count == digits,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return Int(text)
  }

  private static func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }

  /// Days since 1970 in the Gregorian calendar. Years begin in March, so that the leap day is the last of its year.
  private static func days(year: Int, month: Int, day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
  }

  private static func civil(_ seconds: Int) -> (year: Int, month: Int, day: Int) {
    let day = max(0, seconds) / 86400
    // An estimate that is at most a year too high, then down to the right one: no closed form is as easy to believe.
    var year = 1970 + day / 365
    while days(year: year, month: 1, day: 1) > day { year -= 1 }
    var month = 12
    while days(year: year, month: month, day: 1) > day { month -= 1 }
    return (year, month, day - days(year: year, month: month, day: 1) + 1)
  }
}
