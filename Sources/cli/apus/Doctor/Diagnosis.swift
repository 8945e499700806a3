internal import ImageMount
internal import Linux
internal import Model

/// Judges what was found: pure, one check a subject.
func diagnose(_ node: NodeSurvey) -> [Check] {
  var checks: [Check] = []
  let values = node.sysctls.compactMap { name, value in value.map { "\(name) = \($0)" } }.joined(
    separator: ", ")
  if node.userNamespaces == 0 {
    checks.append(Check("user namespaces", .good, values))
  } else {
    checks.append(
      Check(
        "user namespaces", node.isRoot ? .missing : .failing, "\(errorText(node.userNamespaces)); \(values)",
        cost: "ordinary users can run nothing", remedy: namespaceRemedy(node)))
  }
  if let profile = node.appArmor {
    checks.append(Check("AppArmor", .good, "enabled, this process: \(profile)"))
  }
  if let mode = node.seLinux { checks.append(Check("SELinux", .good, mode)) }
  checks.append(fuse(node))
  checks.append(
    node.overlay == 0
      ? Check("read-only overlay for users", .good, "works")
      : Check(
        "read-only overlay for users", .missing, errorText(node.overlay),
        cost: "mount points that an image lacks are made by binding its entries one by one: slower starts",
        remedy:
          "a kernel of 5.11 or later; on Debian 11 the administrator loads overlay with permit_mounts_in_userns=1"
      ))
  checks.append(
    node.writableOverlay == 0
      ? Check("writable overlay in memory", .good, "works")
      : Check(
        "writable overlay in memory", .missing, errorText(node.writableOverlay),
        cost: "--writable-tmpfs fails, or fails when a directory of the image is replaced",
        remedy: "a kernel of 6.6 or later; --overlay DIRECTORY on a disk works from 5.11 on"))
  checks.append(
    node.newMountAPI
      ? Check("mounts by descriptor", .good, "works")
      : Check(
        "mounts by descriptor", .missing, "not in this kernel, or filtered",
        cost: "starts use the older interface"))
  let squashfs = node.fileSystems.holds(bytesOf: "\tsquashfs\n")
  checks.append(
    squashfs
      ? Check("kernel squashfs", .good, "known to the kernel")
      : Check(
        "kernel squashfs", .missing, "not known to the kernel", cost: "root runs images with --userns only",
        remedy: "the administrator loads it: modprobe squashfs"))
  checks.append(
    node.subordinateIDs && node.newUIDMap
      ? Check("subordinate ids", .good, "a range for this user, and newuidmap")
      : Check(
        "subordinate ids", .missing, node.newUIDMap ? "no range for this user" : "no newuidmap",
        cost: "nothing in this version: --fakeroot will need them",
        remedy:
          "the administrator installs uidmap and adds a range: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"
      ))
  checks.append(Check("cgroups", .good, node.cgroups))
  checks.append(
    node.binfmt
      ? Check("binfmt_misc", .good, "known to the kernel")
      : Check(
        "binfmt_misc", .missing, "not known to the kernel", cost: "no programs of other architectures",
        remedy: "the administrator loads it: modprobe binfmt_misc"))
  checks.append(
    node.openFiles >= 1024
      ? Check("limits", .good, "\(node.openFiles) open files, \(node.processes) processes")
      : Check(
        "limits", .missing, "\(node.openFiles) open files", cost: "many programs need more",
        remedy: "ulimit -n 1024"))
  if node.typeahead == "1" {
    checks.append(
      Check(
        "terminals", .missing, "dev.tty.legacy_tiocsti = 1",
        cost: "a program can type into the terminal it was started from, in a container as on the host",
        remedy: "the administrator sets it: sysctl dev.tty.legacy_tiocsti=0"))
  }
  if let fault = node.runtimeDirectory {
    checks.append(
      Check(
        "runtime directory", .failing, fault.explanation.why,
        cost: "image servers have no place for their sockets",
        remedy: fault.explanation.remedy))
  } else {
    checks.append(Check("runtime directory", .good, "usable"))
  }
  return checks
}

private func namespaceRemedy(_ node: NodeSurvey) -> String {
  func value(_ name: String) -> String? { node.sysctls.first { $0.name == name }?.value }
  if value("user.max_user_namespaces") == "0" {
    return "the administrator sets it: sysctl user.max_user_namespaces=65536"
  }
  if value("kernel.unprivileged_userns_clone") == "0" {
    return "the administrator sets it: sysctl kernel.unprivileged_userns_clone=1"
  }
  if value("kernel.apparmor_restrict_unprivileged_userns") == "1" {
    return "the administrator loads the profile that `apus doctor --apparmor-profile` prints"
  }
  return "inside another container: allow it nested user namespaces (seccomp, unprivileged unshare)"
}

private func fuse(_ node: NodeSurvey) -> Check {
  guard let mode = node.fuseMode else {
    return Check(
      "/dev/fuse", .missing, "there is none", cost: "images are unpacked for each launch, slowly",
      remedy: "the administrator loads fuse: modprobe fuse")
  }
  let found = "mode 0\(String(mode, radix: 8))"
  if node.fuseError != 0 {
    return Check(
      "/dev/fuse", .missing, "\(found): \(errorText(node.fuseError))",
      cost: "images are unpacked for each launch, slowly",
      remedy: "the administrator makes it usable: chmod 0666 /dev/fuse (the package fuse3 does so with udev)")
  }
  guard node.fuseMount == 0 || node.userNamespaces != 0 || node.fuseMount == 38 else {
    return Check(
      "/dev/fuse", .failing, "\(found), mounting: \(errorText(node.fuseMount))",
      cost: "image files cannot be mounted by users", remedy: "a kernel of 4.18 or later")
  }
  return Check("/dev/fuse", .good, found)
}

/// The AppArmor profile that lets a program make user namespaces where the distribution restricts them (Ubuntu 23.10).
func appArmorProfile(program: String) -> String {
  """
  # Lets apus make user namespaces. Put it into /etc/apparmor.d/apus and load it:
  #   apparmor_parser -r /etc/apparmor.d/apus
  abi <abi/4.0>,
  include <tunables/global>

  profile apus "\(program)" flags=(unconfined) {
    userns,
    include if exists <local/apus>
  }

  """
}
