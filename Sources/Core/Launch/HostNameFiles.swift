internal import Model

/// /etc/hosts with the name that `--hostname` gives the container.
///
/// Programs look their own host name up (sudo, Java, MPI start-up) and hang in DNS where nothing knows it. What they
/// find otherwise must stay as it was, because the network is the host's: so its lines are kept and one is added at the
/// end, where it hides none of them. The address is 127.0.1.1, as Debian has it for a host without a fixed address: the
/// container can be reached under it, and `localhost` keeps 127.0.0.1 for itself. A name that the host's file knows
/// already (a node of the cluster) keeps the address it has there.
///
/// `text`: the host's file; nil where the container does not show it, then a minimal one is made.
func hostsFile(_ text: String?, name: String) -> String {
  var text = text ?? "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
  for line in text.lines where names(line).contains(where: { $0 == name }) { return text }
  if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
  // A name with a domain is found without it too.
  let short = name.fields(at: UInt8(ascii: "."))[0]
  return text + "127.0.1.1\t\(name)" + (short.isEmpty || short == name ? "" : " \(short)") + "\n"
}

/// The names of a line of hosts(5): what follows the address, up to a comment.
private func names(_ line: Substring) -> [Substring] {
  let blanks = line.fields(at: UInt8(ascii: "#"))[0].fields(at: UInt8(ascii: "\t"))
  return Array(blanks.flatMap { $0.fields(at: UInt8(ascii: " ")) }.filter { !$0.isEmpty }.dropFirst())
}
