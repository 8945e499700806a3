internal import CLinux

/// Time of the host's zone.
public enum LocalTime {
  /// `Mmm dd hh:mm:ss`, as RFC 3164 has it.
  public static var syslog: String {
    var text = [CChar](repeating: 0, count: 16)
    unsafe apus_syslog_time(&text)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
