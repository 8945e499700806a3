internal import Linux
internal import Tree

extension TreeFault {
  /// The same fault with the paths that the user knows: a tree's begin at the directory it was read from.
  func onHost(below directory: String) -> TreeFault {
    func place(_ path: String) -> String {
      var top = directory[...]
      while top.hasSuffix("/") { top.removeLast() }
      return path == "/" ? (top.isEmpty ? "/" : String(top)) : top + path
    }
    return switch self {
    case .call(let path, let fault): .call(path: place(path), fault)
    case .changed(let path): .changed(path: place(path))
    case .tooDeep(let path): .tooDeep(path: place(path))
    // These are about the places things get in the image.
    case .nameTooLong, .notADirectory, .notHere: self
    }
  }
}
