/// The commands that look after the cache.
extension Commands {
  private static let types = Option(
    "type", "T", .list("TYPE,..."), synonyms: ["types"],
    help: "Only these: image, segment, manifest, tag, partial, blob (all but images), all")

  static let caches: [Command] = [
    Command(
      ["cache", "list"], operands: 0...0, summary: "Show what the cache holds and how much room it takes",
      description:
        "The cache keeps images made of references, the layers they were made of, and what tags point to. It lies "
        + "in APUS_CACHEDIR, else in ~/.apus/cache.",
      examples: ["apus cache list -v"],
      options: [types, Option("verbose", "v", help: "Name each entry"), json], mixesOptions: true),
    Command(
      ["cache", "clean"], operands: 0...0, summary: "Remove what the cache holds",
      description:
        "What a running program uses stays, and is named. Without --force it asks first. Apptainer's names of types "
        + "are understood.",
      examples: ["apus cache clean --days 30", "apus cache clean --type partial --force"],
      options: [
        types,
        Option("days", "D", .value("DAYS"), help: "Only what was not used for that many days"),
        Option("dry-run", "n", help: "Only say what would be removed"),
        Option("force", "f", help: "Do not ask"),
        Option("all", "a", help: "Every type, whatever --type says"), json,
      ], mixesOptions: true),
    Command(
      ["cache", "export"], "DIRECTORY [REFERENCE...]", fewest: 1,
      summary: "Copy images to a directory that others can use as a store",
      description:
        "The directory can be named as `image store` in apus.conf as it is, or carried to another machine and "
        + "imported there. Without a reference: all images.",
      examples: ["apus cache export /shared/apus-store docker://debian:12"],
      options: [Option("segments", help: "Also all layers, for conversions of other images"), json],
      mixesOptions: true),
    Command(
      ["cache", "import"], "DIRECTORY", operands: 1...1, summary: "Copy the images of an exported directory",
      description: "Each object is verified before it appears in the cache.", options: [json],
      mixesOptions: true),
  ]
}
