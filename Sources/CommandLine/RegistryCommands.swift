/// The commands that speak with registries, and the options of everything that does.
extension Commands {
  /// How a reference is got; on every command that takes one.
  static let access: [Option] = [
    Option(
      "no-https", variables: ["NO_HTTPS", "NOHTTPS"], synonyms: ["nohttps"],
      help: "Allow plain http and certificates that cannot be checked"),
    Option(
      "authfile", nil, .value("FILE"), variables: ["AUTH_FILE"],
      help: "Credentials, in the form of docker's config.json"),
    Option("docker-login", variables: ["DOCKER_LOGIN"], help: "Ask for a user name and password"),
    Option(
      "docker-username", nil, .value("NAME"), variables: ["DOCKER_USERNAME"], synonyms: ["username"],
      help: "Who asks the registry"),
    Option(
      "docker-password", nil, .value("PASSWORD"), variables: ["DOCKER_PASSWORD"],
      help: "Their password; others can see it in ps", isHidden: true),
    Option("password-stdin", help: "Read the password from standard input"),
    Option(
      "docker-host", nil, .value("ADDRESS"), variables: ["DOCKER_HOST"],
      help: "The socket of the daemon, unix:///PATH"),
    Option("library", nil, .value("URL"), variables: ["LIBRARY"], help: "Where library:// images are"),
    Option(
      "disable-cache", variables: ["DISABLE_CACHE"], help: "Neither use nor fill the cache"),
    Option("offline", variables: ["OFFLINE"], help: "Ask no host: only what the cache and the stores have"),
    Option(
      "tmpdir", nil, .value("DIRECTORY"), variables: ["TMPDIR"], help: "Where large files without a name go"),
    Option(
      "progress", nil, .value("FORM"), variables: ["PROGRESS"], help: "auto (default), plain, json or none"),
  ]

  /// Which image of several, and how it is converted.
  static let conversion: [Option] = [
    Option(
      "arch", nil, .value("NAME"), variables: ["PULL_ARCH", "BUILD_ARCH"], help: "Architecture of the image"),
    Option(
      "arch-variant", nil, .value("NAME"), variables: ["PULL_ARCH_VARIANT", "BUILD_ARCH_VARIANT"],
      help: "Its variant, as v7"),
    Option(
      "platform", nil, .value("OS/ARCH[/VARIANT]"), variables: ["PLATFORM"],
      help: "Both, as registries write them"),
    compressor, threads,
    Option(
      "mem", nil, .value("SIZE"), variables: ["MEM"],
      help: "Memory for blocks while converting (default 96M)"),
    Option(
      "fix-perms", variables: ["FIXPERMS"],
      help: "Make directories and files accessible to their owner"),
  ]

  static let compressor = Option(
    "compressor", nil, .value("NAME[:LEVEL]"), variables: ["COMPRESSOR"], synonyms: ["compress"],
    help: "gzip (default), zstd, xz, lz4 or lzo; an optional level follows a colon")

  static let threads = Option(
    "threads", nil, .value("COUNT"), variables: ["THREADS"],
    help: "Threads that compress; the result is the same")

  static let referenceForms = """
    A reference is docker://[HOST[:PORT]/]NAME[:TAG][@DIGEST], oras://…, docker-archive:FILE[:NAME], \
    oci-archive:FILE[:NAME], oci:DIRECTORY[:NAME], docker-daemon:NAME:TAG, library://… or http(s)://….
    """

  private static let force = Option("force", "F", variables: ["FORCE"], help: "Replace the file if it exists")

  static let registries: [Command] = [
    Command(
      ["pull"], "[OUT] REFERENCE", operands: 1...2, summary: "Get an image and make it a SIF",
      description: referenceForms
        + " OUT is named after the image where it is not given. The same manifest gives the same bytes, "
        + "whoever converts it, wherever it came from.",
      examples: [
        "apus pull docker://debian:12", "apus pull tools.sif oras://registry.example.org/tools:1.2",
        "apus pull --platform linux/arm64 docker://alpine",
      ],
      options: [
        force, Option("sandbox", "s", variables: ["SANDBOX"], help: "Make a directory instead of a SIF"),
        Option(
          "dir", nil, .value("DIRECTORY"), variables: ["PULLDIR", "PULLFOLDER"], help: "Where OUT goes"),
        Option(
          "name", nil, .value("NAME"), variables: ["PULL_NAME"], help: "Another name for OUT", isHidden: true),
      ] + conversion + access, mixesOptions: true),
    Command(
      ["push"], "IMAGE REFERENCE", operands: 2...2, summary: "Store a SIF in a registry",
      description:
        "REFERENCE is oras://HOST[:PORT]/NAME:TAG. What is pushed here other runtimes pull, byte for byte. The "
        + "digest of the manifest is printed.",
      examples: ["apus push tools.sif oras://registry.example.org/tools:1.2"],
      options: [
        Option(
          "allow-unsigned", "U", variables: ["ALLOW_UNSIGNED"], help: "Push without a signature, silently")
      ] + access, mixesOptions: true),
    Command(
      ["registry", "login"], "HOST[:PORT][/NAMESPACE]", operands: 1...1,
      summary: "Keep a name and password for a registry",
      description: "They are tried before they are kept, in a file of mode 0600 or by the helper it names.",
      examples: ["apus registry login -u me --password-stdin registry.example.org"],
      options: [
        Option("username", "u", .value("NAME"), variables: ["LOGIN_USERNAME"], help: "Who logs in"),
        Option(
          "password", "p", .value("PASSWORD"), variables: ["LOGIN_PASSWORD"],
          help: "Their password; others can see it in ps"),
        Option("password-stdin", help: "Read the password from standard input"),
        Option(
          "authfile", nil, .value("FILE"), variables: ["AUTH_FILE"], help: "Keep them in that file instead"),
        access[0],
      ], mixesOptions: true),
    Command(
      ["registry", "logout"], "HOST[:PORT][/NAMESPACE]", operands: 1...1,
      summary: "Forget the name and password of a registry",
      options: [
        Option("authfile", nil, .value("FILE"), variables: ["AUTH_FILE"], help: "In that file instead")
      ], mixesOptions: true),
    Command(
      ["registry", "list"], operands: 0...0, summary: "List the registries whose credentials are kept",
      options: [
        json, Option("authfile", nil, .value("FILE"), variables: ["AUTH_FILE"], help: "Of that file instead"),
      ], mixesOptions: true),
    Command(
      ["registry", "tags"], "[HOST[:PORT]/]NAME", operands: 1...1, summary: "List the tags of an image",
      examples: ["apus registry tags registry.example.org/tools"], options: [json] + access,
      mixesOptions: true),
  ]
}
