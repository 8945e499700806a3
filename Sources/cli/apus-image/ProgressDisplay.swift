internal import Conversion
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import Synchronization

/// Shows how far a conversion is, on standard error: a line for each layer that is rewritten in place on a terminal,
/// lines that stay elsewhere, or one JSON object a line for programs.
final class ProgressDisplay: Sendable {
  enum Form: Sendable { case bars, lines, json, none }

  private struct Layer: Sendable {
    var name: String
    var size: Int
    var read = 0
    var isDone = false
    var fromCache = false
    var began: Double
    /// When it was last told as JSON.
    var told = 0.0
  }

  private struct State: Sendable {
    var layers: [Int: Layer] = [:]
    var order: [Int] = []
    /// Lines that are on the screen and may be rewritten.
    var shown = 0
    var drawn = 0.0
    var began: Double?
  }

  /// Seconds between two drawings.
  private static let pause = 0.1

  private let form: Form
  private let output: Output
  private let state = Mutex(State())

  init(_ form: Form, _ output: Output) {
    self.form = form
    self.output = output
  }

  func tell(_ event: ConversionEvent) {
    if form == .none { return }
    state.withLock { state in
      let now = Self.now
      if state.began == nil { state.began = now }
      switch event {
      case .layer(let number, let name, let size):
        state.layers[number] = Layer(name: name, size: size, began: now)
        state.order.append(number)
      case .read(let number, let bytes): state.layers[number]?.read = bytes
      case .done(let number, let fromCache):
        state.layers[number]?.isDone = true
        state.layers[number]?.fromCache = fromCache
      case .assembling: break
      }
      show(event, &state, now)
    }
  }

  /// Ends with one line: what all of it was.
  /// `verb`: what was done with the bytes.
  func finish(_ verb: String = "read") {
    state.withLock { state in
      guard form == .bars || form == .lines, let began = state.began else { return }
      erase(&state)
      let bytes = state.layers.values.reduce(0) { $0 + ($1.fromCache ? 0 : $1.read) }
      let cached = state.layers.values.count { $0.fromCache }
      let seconds = Self.now - began
      var text = "\(state.layers.count) layer\(state.layers.count == 1 ? "" : "s")"
      if cached > 0 { text += ", \(cached) of them from the cache" }
      if bytes > 0 { text += ", \(Self.size(Double(bytes))) \(verb)" }
      output.notice(Notice(.info, text + " in \(Self.time(seconds))"))
    }
  }

  /// Says at the end that the file is there: `text` to people, its path to programs.
  func made(_ path: String, _ text: String) {
    guard form == .json else { return output.notice(Notice(.info, text)) }
    output.progress(JSON.object([("event", .string("image")), ("path", .string(path))]).text() + "\n")
  }

  private func show(_ event: ConversionEvent, _ state: inout State, _ now: Double) {
    switch form {
    case .none: break
    case .json: tellJSON(event, &state, now)
    case .lines:
      switch event {
      case .done(let number, let fromCache):
        guard let layer = state.layers[number] else { return }
        let how =
          fromCache ? "from the cache" : "\(Self.size(Double(layer.size))) in \(Self.time(now - layer.began))"
        output.notice(Notice(.info, "Layer \(Self.short(layer.name)): \(how)"))
      case .assembling: output.notice(Notice(.info, "Putting the image together"))
      case .layer, .read: break
      }
    case .bars:
      if case .read = event, now - state.drawn < Self.pause { return }
      state.drawn = now
      draw(&state, now, isAssembling: { if case .assembling = event { true } else { false } }())
    }
  }

  private func draw(_ state: inout State, _ now: Double, isAssembling: Bool) {
    erase(&state)
    if isAssembling {
      output.progress("Putting the image together\n")
      state.shown = 1
      return
    }
    let open = state.order.compactMap { state.layers[$0] }.filter { !$0.isDone }
    for layer in open {
      let seconds = now - layer.began
      let rate = seconds > 0 ? Double(layer.read) / seconds : 0
      let part = layer.size > 0 ? min(1, Double(layer.read) / Double(layer.size)) : 0
      let filled = Int(part * 20)
      var line = Self.short(layer.name) + " [" + String(repeating: "=", count: filled)
      line += String(repeating: " ", count: 20 - filled) + "] "
      line += "\(Self.size(Double(layer.read))) of \(Self.size(Double(layer.size))), \(Self.size(rate))/s"
      if rate > 0, layer.size > layer.read {
        line += ", \(Self.time(Double(layer.size - layer.read) / rate)) left"
      }
      output.progress(line + "\n")
    }
    state.shown = open.count
  }

  /// Takes back what was drawn (ECMA-48: cursor up, erase in display).
  private func erase(_ state: inout State) {
    if form == .bars, state.shown > 0 { output.progress("\u{1B}[\(state.shown)A\u{1B}[J") }
    state.shown = 0
  }

  private func tellJSON(_ event: ConversionEvent, _ state: inout State, _ now: Double) {
    var members: [(String, JSON)]
    switch event {
    case .layer(let number, let name, let size):
      members = [
        ("event", .string("layer")), ("layer", .integer(number)), ("name", .string(name)),
        ("size", .integer(size)),
      ]
    case .read(let number, let bytes):
      guard let told = state.layers[number]?.told, now - told >= Self.pause else { return }
      state.layers[number]?.told = now
      members = [("event", .string("read")), ("layer", .integer(number)), ("bytes", .integer(bytes))]
    case .done(let number, let fromCache):
      members = [("event", .string("done")), ("layer", .integer(number)), ("cached", .bool(fromCache))]
    case .assembling: members = [("event", .string("assembling"))]
    }
    output.progress(JSON.object(members).text() + "\n")
  }

  private static var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The first digits of a digest, or the end of a path.
  private static func short(_ name: String) -> String {
    let digest = name.hasPrefix("sha256:") ? String(name.dropFirst(7)) : name
    return printable(String(digest.prefix(12)))
  }

  static func size(_ bytes: Double) -> String {
    if bytes < 1024 { return "\(Int(bytes)) B" }
    if bytes < 1_048_576 { return oneDecimal(bytes / 1024) + " KiB" }
    if bytes < 1_073_741_824 { return oneDecimal(bytes / 1_048_576) + " MiB" }
    return oneDecimal(bytes / 1_073_741_824) + " GiB"
  }

  static func time(_ seconds: Double) -> String {
    if seconds < 60 { return oneDecimal(seconds) + " s" }
    let whole = Int(min(seconds, 1e9))
    return whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole / 60 % 60) min"
  }

  private static func oneDecimal(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}
