/// Why a value of the command line makes no sense, as a sentence.
struct ValueProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}
