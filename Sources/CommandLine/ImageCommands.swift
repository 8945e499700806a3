/// The commands that make images and look into them.
extension Commands {
  static let images: [Command] = [
    Command(
      ["build"], "OUT SOURCE", operands: 2...2, summary: "Make an image",
      description:
        "SOURCE is a root directory, a SIF, a squashfs file or a reference. OUT is a SIF file, or with --sandbox a "
        + "directory. The same source always gives the same bytes. Nothing half-made is ever left under the name "
        + "OUT. " + referenceForms,
      examples: [
        "apus build debian.sif /srv/debian-root", "apus build --sandbox root/ debian.sif",
        "apus build tools.sif docker-archive:tools.tar",
      ],
      options: [
        Option("force", "F", variables: ["FORCE"], help: "Replace OUT if it exists"),
        Option("sandbox", "s", variables: ["SANDBOX"], help: "Make a directory instead of a SIF"),
      ] + conversion + access, mixesOptions: true),
    Command(
      ["inspect"], "IMAGE", operands: 1...1, summary: "Show labels, scripts and definition of an image",
      description: "Without options: the labels.",
      options: [
        Option("labels", "l", help: "The labels"), Option("deffile", "d", help: "The definition"),
        Option("runscript", "r", help: "The run script"),
        Option("startscript", "s", help: "The start script"),
        Option("test", "t", help: "The test script"),
        Option("environment", "e", help: "The environment scripts"),
        Option("helpfile", "H", help: "The help text"), json,
        Option("all", help: "Everything, as JSON"),
        Option("list-apps", help: "Names of the applications in the image"),
        Option("app", nil, .value("NAME"), help: "Of one application in the image"),
      ] + access, mixesOptions: true),
    Command(
      ["run-help"], "IMAGE", operands: 1...1, summary: "Show the help text of an image",
      options: [Option("app", nil, .value("NAME"), help: "Of one application in the image")] + access,
      mixesOptions: true),
    Command(
      ["sif", "header"], "FILE", operands: 1...1, summary: "Show the header of a SIF", options: [json],
      mixesOptions: true),
    Command(
      ["sif", "list"], "FILE", operands: 1...1, summary: "List the objects of a SIF", options: [json],
      mixesOptions: true),
    Command(
      ["sif", "info"], "ID FILE", operands: 2...2, summary: "Show one object's descriptor", options: [json],
      mixesOptions: true),
    Command(
      ["sif", "dump"], "ID FILE", operands: 2...2, summary: "Write one object's content to standard output",
      mixesOptions: true),
  ]
}
