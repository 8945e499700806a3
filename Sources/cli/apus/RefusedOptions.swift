internal import CommandLine
internal import Model

/// What Apptainer's users may ask for and is not here: said with the way now, and not that the option is unknown.
func refusedOption(_ parsed: Parsed) -> Explanation? {
  if let spec = parsed.value("fusemount") {
    return Explanation(
      what: "cannot use --fusemount \(printable(spec))",
      why: "this version starts no FUSE program of the user's with a container",
      remedy:
        "mount on the host, as the job's first step, and show it with --bind; image files need no program: --bind"
        + " FILE:TARGET:image-src=/")
  }
  if parsed.isOn("ignore-userns") {
    return Explanation(
      what: "cannot use --ignore-userns", why: "without a user namespace nobody is root in a container",
      remedy: "leave it out; `apus doctor` says whether this node has user namespaces")
  }
  if parsed.isOn("boot") {
    return Explanation(
      what: "cannot use --boot",
      why: "the first process of an instance is one of Apus, and no init of the image's",
      remedy: "start the services in the image's start script (%startscript)")
  }
  return nil
}
