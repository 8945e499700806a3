/// The commands that start programs, and their common options.
extension Commands {
  static let binds: [Option] = [
    Option(
      "bind", "B", .many("SOURCE[:TARGET[:OPTIONS]]"), variables: ["BIND", "BINDPATH"],
      help:
        "Show a path of the host in the container; OPTIONS are ro or rw; of an image file image-src=PATH shows what "
        + "is in it, and id=N which partition of a SIF; several are separated by commas"),
    Option(
      "mount", nil, .lines("type=bind,source=S,target=T[,ro][,image-src=PATH]"), variables: ["MOUNT"],
      help: "The same, written as fields"),
    Option(
      "home", "H", .value("SOURCE[:TARGET]"), variables: ["HOME"],
      help: "Another directory as the home directory"),
    Option("no-home", variables: ["NO_HOME"], help: "Do not show the home directory"),
    Option(
      "no-mount", nil, .list("NAME,..."), variables: ["NO_MOUNT"],
      help: "Leave out proc, sys, dev, devpts, home, tmp, hostfs, cwd, bind-paths, or the bind path named"),
    Option(
      "scratch", "S", .list("TARGET,..."), variables: ["SCRATCH", "SCRATCHDIR"],
      help: "An empty writable directory"),
    Option(
      "workdir", "W", .value("DIRECTORY"), variables: ["WORKDIR"],
      help: "Where --scratch, and /tmp and home with --contain, are kept"),
    Option(
      "containlibs", nil, .list("FILE,..."), variables: ["CONTAINLIBS"],
      help: "Show libraries of the host in /.singularity.d/libs, where programs look for them last",
      isHidden: true),
  ]

  static let writable: [Option] = [
    Option(
      "overlay", "o", .list("DIRECTORY|FILE[:ro]"), variables: ["OVERLAY", "OVERLAYIMAGE"],
      help:
        "Keep changes in a directory or an ext3 image, or lay one, or a squashfs, over the image read-only with :ro"
    ),
    Option(
      "writable", "w", variables: ["WRITABLE"],
      help: "Write to the image itself: a sandbox directory, or the overlay partition of a SIF"),
    Option(
      "writable-tmpfs", variables: ["WRITABLE_TMPFS"],
      help: "Write to the root in memory; changes go with the container"),
  ]

  static let environment: [Option] = [
    Option("env", nil, .many("NAME=VALUE,..."), help: "Set variables"),
    Option("env-file", nil, .list("FILE"), variables: ["ENV_FILE"], help: "Set variables from a file"),
    Option(
      "no-env", nil, .list("NAME,..."), variables: ["NOENV"],
      help: "Variables of the host to leave out; a * at the end of a name stands for any ending"),
    Option("cleanenv", "e", variables: ["CLEANENV"], help: "Leave out the variables of the host"),
    Option("no-eval", variables: ["NO_EVAL"], help: "Take values of variables and arguments literally"),
  ]

  static let isolation: [Option] = [
    Option(
      "contain", "c", variables: ["CONTAIN"],
      help: "A minimal /dev, and empty home, /tmp and /var/tmp instead of the host's"),
    Option("containall", "C", variables: ["CONTAINALL"], help: "--contain --pid --ipc --cleanenv"),
    Option(
      "compat", variables: ["COMPAT"],
      help: "Much like Docker: --containall --no-init --no-umask --writable-tmpfs --no-eval"),
    Option("pid", "p", variables: ["PID", "UNSHARE_PID"], help: "Processes of its own"),
    Option("no-pid", variables: ["NO_PID"], help: "No processes of its own, whatever else implies them"),
    Option("no-init", variables: ["NOSHIMINIT"], help: "With --pid the program itself is process 1"),
    Option(
      "ipc", "i", variables: ["IPC", "UNSHARE_IPC"], help: "Semaphores, queues and shared memory of its own"),
    Option("uts", variables: ["UTS", "UNSHARE_UTS"], help: "A host name of its own"),
    Option(
      "hostname", nil, .value("NAME"), variables: ["HOSTNAME"], help: "Set the host name (implies --uts)",
      refusesEmpty: true),
    Option(
      "net", "n", variables: ["NET", "UNSHARE_NET"],
      help: "A network of its own: in user mode (pasta, slirp4netns), for root the site's network bridge"),
    Option(
      "network", nil, .list("NAME,..."), variables: ["NETWORK"],
      help: "Which network: none (loopback alone), pasta, slirp4netns or user; for root those of the site",
      refusesEmpty: true),
    Option(
      "network-args", nil, .list("[NETWORK:]KEY=VALUE,..."), variables: ["NETWORK_ARGS"],
      help: "Arguments of a network: portmap=8080:80/tcp; for root also IP=ADDRESS and what plugins know"),
    Option(
      "publish", nil, .list("[ADDRESS:]PORT[:PORT][/udp],..."), variables: ["PUBLISH"],
      help: "A port of the host leads to one of the container (implies --net)", refusesEmpty: true),
    Option(
      "netns-path", nil, .value("PATH"), variables: ["NETNS_PATH"],
      help: "A network namespace that is there already (root's, or one that is yours)", refusesEmpty: true),
    Option(
      "dns", nil, .list("ADDRESS,..."), variables: ["DNS"],
      help: "Name servers instead of the host's, by address", refusesEmpty: true),
    Option(
      "userns", "u", variables: ["USERNS", "UNSHARE_USERNS"],
      help: "A user namespace; only root could do without, so for others it changes nothing"),
    Option("no-umask", variables: ["NO_UMASK"], help: "File mode mask 0022 instead of the caller's"),
    Option(
      "no-shared-mount", variables: ["NO_SHARED_MOUNT"], help: "A server of its own instead of the shared one"
    ),
    Option(
      "unsquash", variables: ["UNSQUASH"],
      help: "Unpack the image below TMPDIR for the time of the launch, and mount nothing"),
    Option(
      "underlay", variables: ["UNDERLAY"],
      help: "Bind what the image lacks as mount points beside its entries, without an overlay"),
    Option(
      "sharens", variables: ["SHARENS"],
      help: "Accepted: programs of a job step share their image's mount and user namespace in any case",
      isHidden: true),
  ]

  static let rights: [Option] = [
    Option(
      "fakeroot", "f", variables: ["FAKEROOT"],
      help:
        "Be seen as root inside, with your own rights outside; home is /root. With ranges in /etc/subuid and /etc/subgid other users are there too"
    ),
    Option(
      "ignore-subuid", variables: ["IGNORE_SUBUID"],
      help: "With --fakeroot: root is the only user, whatever ranges you have", isHidden: true),
    Option(
      "ignore-fakeroot-command", variables: ["IGNORE_FAKEROOT_COMMAND"],
      help: "Accepted: that program is never used", isHidden: true),
    Option(
      "ignore-userns", variables: ["IGNORE_USERNS"],
      help: "Refused: without a user namespace nobody is root", isHidden: true),
    Option(
      "fusemount", nil, .value("SPEC"), variables: ["FUSESPEC"],
      help: "Refused: mount on the host, and bind what is there", isHidden: true),
    Option(
      "no-privs", variables: ["NO_PRIVS"], help: "Root without capabilities, in the container and for good"),
    Option(
      "keep-privs", variables: ["KEEP_PRIVS"],
      help: "Root keeps all capabilities, also where --security uid: makes it another user"),
    Option(
      "add-caps", nil, .list("CAPABILITY,..."), variables: ["ADD_CAPS"],
      help: "Capabilities (or all) that root keeps beside --no-privs or --security uid:"),
    Option(
      "drop-caps", nil, .list("CAPABILITY,..."), variables: ["DROP_CAPS"],
      help: "Capabilities (or all) that root gives up"),
    Option(
      "security", nil, .list("uid:N,gid:N[:N...]"), variables: ["SECURITY"],
      help: "Root becomes this user, of these groups and no others; with --fakeroot one of its users"),
    Option(
      "allow-setuid", variables: ["ALLOW_SETUID"],
      help: "Refused: set-user-ID programs of an image give nobody rights", isHidden: true),
  ]

  static let limits: [Option] = [
    Option("cpus", nil, .value("NUMBER"), variables: ["CPUS"], help: "At most so much processor time: 1.5"),
    Option(
      "cpu-shares", nil, .value("NUMBER"), variables: ["CPU_SHARES"],
      help: "Weight against other groups, 2 to 262144 (1024 is usual)"),
    Option(
      "cpuset-cpus", nil, .value("LIST"), variables: ["CPUSET_CPUS"], help: "Processors to run on: 0-3,7"),
    Option(
      "cpuset-mems", nil, .value("LIST"), variables: ["CPUSET_MEMS"], help: "Memory nodes to use: 0,1"),
    Option("memory", nil, .value("SIZE"), variables: ["MEMORY"], help: "At most so much memory: 512M, 2G"),
    Option(
      "memory-reservation", nil, .value("SIZE"), variables: ["MEMORY_RESERVATION"],
      help: "Memory that is taken away last"),
    Option(
      "memory-swap", nil, .value("SIZE"), variables: ["MEMORY_SWAP"],
      help: "Memory and swap together; -1 for no limit of swap"),
    Option(
      "oom-kill-disable", variables: ["OOM_KILL_DISABLE"],
      help: "Refused: control groups of version 2 have no such switch", isHidden: true),
    Option(
      "pids-limit", nil, .value("NUMBER"), variables: ["PIDS_LIMIT"],
      help: "At most so many processes and threads; -1 for no limit"),
    Option(
      "blkio-weight", nil, .value("NUMBER"), variables: ["BLKIO_WEIGHT"],
      help: "Weight of input and output against other groups, 10 to 1000"),
    Option(
      "blkio-weight-device", nil, .list("DEVICE:WEIGHT"), variables: ["BLKIO_WEIGHT_DEVICE"],
      help: "The same for one device"),
    Option(
      "apply-cgroups", nil, .value("FILE"), variables: ["APPLY_CGROUPS"],
      help: "Limits from a TOML file, in place of the options"),
  ]

  static let directory = Option(
    "cwd", nil, .value("DIRECTORY"), variables: ["CWD", "TARGET_CWD", "PWD", "TARGET_PWD"], synonyms: ["pwd"],
    help: "The working directory in the container")

  static let app = Option(
    "app", nil, .value("NAME"), variables: ["APP", "APPNAME"],
    help: "One of the applications in the image (/scif/apps)")

  static let action: [Option] =
    binds + writable + environment + isolation + rights + limits + [directory, app] + access

  static let runScriptTimeout = Option(
    "runscript-timeout", nil, .value("DURATION"), variables: ["RUNSCRIPT_TIMEOUT"],
    help: "Accepted: a run script is read, or is the program itself, so there is nothing to wait for",
    isHidden: true)

  static let imageForms = """
    IMAGE is a SIF file, a squashfs file, a directory with a root file system, or a reference (`apus help pull`). The container sees the user's home \
    directory, /tmp, the working directory and the network of the host, unless an option says otherwise.
    """

  static let diagnosis = Option(
    "diagnose", variables: ["DIAGNOSE"],
    help: "Follow the program, and say at its end which files it was refused and which options would help")

  static let shellOption = Option(
    "shell", "s", .value("PATH"), variables: ["SHELL"], help: "The shell to start")

  static let launches = ["exec", "run", "shell", "test"]

  static var actions: [Command] { launches.compactMap(launch) + launches.map(explanation) }

  /// A command that starts a program, made alone: on the way to a program the others are not needed.
  static func launch(_ name: String) -> Command? {
    switch name {
    case "exec":
      Command(
        ["exec"], "IMAGE COMMAND [ARGUMENT...]", fewest: 2, summary: "Run a command in a container",
        description: imageForms,
        examples: [
          "apus exec debian.sif cat /etc/os-release", "apus exec --bind /data:/mnt:ro tools.sif ls /mnt",
        ], options: action + [diagnosis])
    case "run":
      Command(
        ["run"], "IMAGE [ARGUMENT...]", fewest: 1, summary: "Run what the image is made to run",
        description: imageForms + " The image's run script says what runs; the arguments are handed to it.",
        examples: ["apus run solver.sif input.dat", "./solver.sif input.dat"],
        options: action + [diagnosis, runScriptTimeout])
    case "shell":
      Command(
        ["shell"], "IMAGE", fewest: 1, summary: "Start a shell in a container", description: imageForms,
        examples: ["apus shell debian.sif"], options: action + [shellOption])
    case "test":
      Command(
        ["test"], "IMAGE [ARGUMENT...]", fewest: 1, summary: "Run the image's own test",
        description: imageForms + " An image without a test is no failure.", options: action)
    default: nil
    }
  }

  private static func explanation(_ name: String) -> Command {
    Command(
      ["explain", name], name == "exec" ? "IMAGE COMMAND [ARGUMENT...]" : "IMAGE [ARGUMENT...]",
      fewest: name == "exec" ? 2 : 1, summary: "Show what `apus \(name)` would do, and why",
      description:
        "Prints the plan of the launch: namespaces, mounts in their order, environment, program, each with "
        + "its reason. Runs nothing.",
      options: action + (name == "shell" ? [shellOption] : []) + [json])
  }
}
