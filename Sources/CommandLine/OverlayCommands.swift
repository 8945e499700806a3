/// File systems that keep changes.
extension Commands {
  static let overlays: [Command] = [
    Command(
      ["overlay", "create"], "IMAGE|FILE", operands: 1...1,
      summary: "Make an overlay that keeps changes in a file",
      description:
        "Makes an ext3 file system: a new file for --overlay, or a partition of a SIF for --writable. A signed SIF, "
        + "and one that has such a partition, are refused. It needs mkfs.ext3 (the package e2fsprogs); ordinary "
        + "users need fuse2fs and fuse-overlayfs to use it.",
      examples: [
        "apus overlay create --size 1024 changes.img",
        "apus exec --overlay changes.img tools.sif make install",
        "apus overlay create tools.sif", "apus exec --writable tools.sif make install",
      ],
      options: [
        Option(
          "size", "s", .value("MIB"), help: "How large it is, at least 64 (default: 64)", refusesEmpty: true),
        Option("sparse", "S", help: "Take space on the disk only when it is written to"),
        Option(
          "fakeroot", "f", variables: ["FAKEROOT"],
          help: "Let it belong to root, as Apptainer needs it with --fakeroot"),
        Option(
          "create-dir", nil, .many("DIRECTORY"), help: "Make a directory in it, a path of the container"),
      ], mixesOptions: true)
  ]
}
