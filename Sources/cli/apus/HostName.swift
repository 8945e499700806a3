internal import Linux
internal import Model

/// What this host calls itself; nothing where procfs does not say.
func hostName() -> String {
  let bytes = (try? File.readAll("/proc/sys/kernel/hostname", limit: 256)) ?? []
  return HostText.decode(Array(bytes.prefix { $0 > 0x20 }))
}
