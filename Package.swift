// swift-tools-version: 6.2
import PackageDescription

/// One list for every Swift target: a rule is switched on in one place.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ImmutableWeakCaptures"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableExperimentalFeature("Lifetimes"),  // @_lifetime on ~Escapable parsers
  .treatAllWarnings(as: .error),
  .unsafeFlags(["-Xcc", "-D_GNU_SOURCE"]),  // O_PATH, CLONE_NEW*: the same in every module, or fd_set clashes
]
let code =
  strict + [
    .strictMemorySafety(),  // not in tests: the #expect macro expands to unmarked code
    // A million bytes of regular expressions that nothing here uses would be linked into the launcher.
    .unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"]),
  ]
let c: [CSetting] = [
  .define("_GNU_SOURCE"),
  .unsafeFlags(["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]),
]

/// A sanitizer needs a dynamic program: `APUS_LINK=dynamic swift test --sanitize=address`.
let dynamic = Context.environment["APUS_LINK"] == "dynamic"
let launcher: [LinkerSetting] = dynamic ? [] : [.unsafeFlags(["-static-executable"])]
let tools: [LinkerSetting] = dynamic ? [] : [.unsafeFlags(["-static-stdlib"])]
/// What is released has Swift's runtime in it (Sources/Shims/CLinux/processes.c, `forget_thread`).
let runtime: [CSetting] =
  dynamic ? [] : [.define("APUS_STATIC_RUNTIME", .when(configuration: .release))]

/// A Swift module of the package: its folder is its place in the house (docs/contributing/structure.md).
func module(_ name: String, in folder: String, imports: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: imports, path: "Sources/\(folder)/\(name)", swiftSettings: code)
}

func tests(_ name: String, imports: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: imports, swiftSettings: strict)
}

func library(_ name: String) -> Target {
  .systemLibrary(name: name, path: "Sources/Shims/\(name)")
}

/// The rooms of the launch path, each may import only those above it.
let core: [Target] = [
  .target(name: "CommandLine", swiftSettings: code),
  module("Model", in: "Core"),
  module("Linux", in: "Core", imports: ["Model", "CLinux"]),
  module("Codec", in: "Core", imports: ["Model", "CDeflate", "CZstd", "CLZ4", "CLZMA", "CLZO"]),
  module("SIF", in: "Core", imports: ["Model", "Linux"]),
  module("Ext", in: "Core", imports: ["Model", "Linux"]),
  module("Squashfs", in: "Core", imports: ["Model", "Linux", "Codec"]),
  module("ImageServer", in: "Core", imports: ["Model", "Linux", "Codec", "Squashfs", "CLinux"]),
  module("Settings", in: "Core", imports: ["Model", "Linux"]),
  module(
    "ImageMount", in: "Core",
    imports: ["Model", "Linux", "SIF", "Ext", "Squashfs", "ImageServer", "Settings", "CLinux"]),
  module("Launch", in: "Core", imports: ["Model", "Linux", "SIF", "Ext", "Settings"]),
  module("Engine", in: "Core", imports: ["Model", "Linux", "ImageMount", "Launch", "CLinux"]),
]

/// The rooms of image work.
let image: [Target] = [
  module("Tree", in: "Image", imports: ["Model", "Linux"]),
  module("Content", in: "Image", imports: ["Model", "Linux", "CCrypto"]),
  module("Reference", in: "Image", imports: ["Model", "Content"]),
  module("HTTP", in: "Image", imports: ["Model", "Linux", "CTransfer"]),
  module("Registry", in: "Image", imports: ["Model", "Linux", "Content", "Reference", "HTTP"]),
  module("Cache", in: "Image", imports: ["Model", "Linux", "Content", "Reference"]),
  module("Layers", in: "Image", imports: ["Model", "Linux", "Content", "Tree", "CISAL", "CZstd", "CLZMA"]),
  module("SquashfsWriter", in: "Image", imports: ["Model", "Linux", "Codec", "Squashfs", "Tree"]),
  module(
    "Segments", in: "Image",
    imports: ["Model", "Linux", "Codec", "Squashfs", "Content", "Tree", "Layers", "SquashfsWriter"]),
  module("CallFilter", in: "Image", imports: ["Model", "CSeccomp"]),
  module(
    "Conversion", in: "Image",
    imports: [
      "Model", "Linux", "Codec", "SIF", "Squashfs", "Settings", "Tree", "Content", "Reference", "HTTP",
      "Registry", "Cache", "Layers", "SquashfsWriter", "Segments",
    ]),
]

/// The rooms of job steps under Slurm.
let slurm: [Target] = [
  module("NodeCache", in: "Slurm", imports: ["Model", "Linux"]),
  module("StepOptions", in: "Slurm", imports: ["Model", "Settings", "Launch", "NodeCache"]),
  module("StepJoin", in: "Slurm", imports: ["Model", "Linux"]),
  module("PluginStamp", in: "Slurm", imports: ["Model"]),
  module("NodeSetup", in: "Slurm", imports: ["Model", "PluginStamp", "StepOptions"]),
  module("Staging", in: "Slurm", imports: ["Model", "Linux", "Content", "NodeCache"]),
]

/// Containers as OCI runtimes have them: bundles, and containers with a state.
let containers: [Target] = [
  module("Bundle", in: "OCI", imports: ["Model"]),
  module("Containers", in: "OCI", imports: ["Model", "Linux", "ImageMount", "Bundle"]),
]

let programs: [Target] = [
  module("Doctor", in: "cli", imports: ["Model", "Linux", "PluginStamp"]),
  module("Messages", in: "cli", imports: ["Model", "Linux"]),
  .executableTarget(
    name: "apus",
    dependencies: [
      "CommandLine", "Model", "Linux", "Codec", "SIF", "Squashfs", "ImageServer", "Settings", "ImageMount",
      "Launch", "Engine", "StepOptions", "StepJoin", "NodeCache", "PluginStamp", "NodeSetup", "Bundle",
      "Containers", "Doctor",
      "Messages",
    ],
    path: "Sources/cli/apus", swiftSettings: code, linkerSettings: launcher),
  .executableTarget(
    name: "apus-image",
    dependencies: [
      "CommandLine", "Model", "Linux", "Codec", "SIF", "Squashfs", "Settings", "Tree", "Content", "Reference",
      "HTTP", "Registry", "Cache", "Layers", "SquashfsWriter", "Segments", "Conversion", "CallFilter",
      "NodeCache", "Staging",
      "Bundle",
      "Messages",
    ],
    path: "Sources/cli/apus-image", swiftSettings: code, linkerSettings: tools),
]

/// Fuzz targets, only for scripts/fuzz. libFuzzer brings its own main: SwiftPM's name for it gets the same address.
func fuzzer(_ name: String, imports: [Target.Dependency]) -> Target {
  .executableTarget(
    name: "Fuzz\(name)", dependencies: imports, path: "Tests/Fuzz/\(name)",
    swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])],
    linkerSettings: [.unsafeFlags(["-Xlinker", "--defsym=Fuzz\(name)_main=main"])])
}

let fuzzers: [Target] =
  Context.environment["APUS_FUZZ"] == nil
  ? []
  : [
    fuzzer("Squashfs", imports: ["Squashfs", "Codec", "Linux"]), fuzzer("SIF", imports: ["SIF"]),
    fuzzer("Tar", imports: ["Layers", "Tree", "Content"]),
    fuzzer("Segment", imports: ["Segments", "Content", "Linux"]),
    fuzzer("Documents", imports: ["Conversion", "Registry", "Reference"]),
  ]

let package = Package(
  name: "apus",
  products: [
    .executable(name: "apus", targets: ["apus"]),
    .executable(name: "apus-image", targets: ["apus-image"]),
  ],
  targets: [
    library("CDeflate"), library("CZstd"), library("CLZ4"), library("CLZMA"), library("CLZO"),
    library("CCrypto"), library("CISAL"), library("CZlib"),
    .systemLibrary(
      name: "CSeccomp", path: "Sources/Shims/CSeccomp", pkgConfig: "libseccomp",
      providers: [.apt(["libseccomp-dev"])]),
    .target(name: "CLinux", path: "Sources/Shims/CLinux", cSettings: c + runtime),
    .target(
      name: "CTransfer", path: "Sources/Shims/CTransfer", cSettings: c,
      linkerSettings: [.linkedLibrary("curl")]),
  ] + core + image + slurm + containers + programs + fuzzers + [
    tests("CommandLineTests", imports: ["CommandLine"]),
    tests("ModelTests", imports: ["Model"]),
    tests("LinuxTests", imports: ["Linux", "Model"]),
    tests("CodecTests", imports: ["Codec", "Model"]),
    tests("SIFTests", imports: ["SIF", "Linux", "Model"]),
    tests("ExtTests", imports: ["Ext", "Linux", "Model"]),
    tests("SquashfsTests", imports: ["Squashfs", "Codec", "Linux", "Model"]),
    tests("ImageServerTests", imports: ["ImageServer", "Squashfs", "Linux", "Model"]),
    tests("SettingsTests", imports: ["Settings", "Linux", "Model"]),
    tests("ImageMountTests", imports: ["ImageMount", "Settings", "Linux", "Model"]),
    tests("LaunchTests", imports: ["Launch", "SIF", "Ext", "Settings", "Linux", "Model"]),
    tests("EngineTests", imports: ["Engine", "Launch", "Linux", "Model"]),
    tests("BundleTests", imports: ["Bundle", "Model"]),
    tests("ContainersTests", imports: ["Containers", "ImageMount", "Linux", "Model"]),
    tests("DoctorTests", imports: ["Doctor", "PluginStamp", "Model"]),
    tests("TreeTests", imports: ["Tree", "Linux", "Model"]),
    tests("ContentTests", imports: ["Content", "Linux", "Model"]),
    tests("ReferenceTests", imports: ["Reference", "Content", "Model"]),
    .target(
      name: "Loopback", dependencies: ["Linux"], path: "Tests/Support/Loopback", swiftSettings: strict),
    tests("HTTPTests", imports: ["HTTP", "Loopback", "Linux", "Model"]),
    tests(
      "RegistryTests",
      imports: ["Registry", "HTTP", "Loopback", "Reference", "Content", "Linux", "Model"]),
    tests("CacheTests", imports: ["Cache", "Reference", "Content", "Linux", "Model"]),
    tests("LayersTests", imports: ["Layers", "CZlib", "Tree", "Content", "Linux", "Model"]),
    tests(
      "SegmentsTests",
      imports: [
        "Segments", "SquashfsWriter", "Layers", "Tree", "Squashfs", "Codec", "Content", "Linux", "Model",
      ]),
    tests("SquashfsWriterTests", imports: ["SquashfsWriter", "Tree", "Squashfs", "Codec", "Linux", "Model"]),
    tests("CallFilterTests", imports: ["CallFilter", "Model"]),
    tests(
      "ConversionTests",
      imports: ["Conversion", "Reference", "Content", "Tree", "SIF", "Squashfs", "Linux", "Model"]),
    tests("StepOptionsTests", imports: ["StepOptions", "NodeCache", "Launch", "Settings", "Linux", "Model"]),
    tests("StepJoinTests", imports: ["StepJoin", "Linux", "Model"]),
    tests("NodeCacheTests", imports: ["NodeCache", "Linux", "Model"]),
    tests("PluginStampTests", imports: ["PluginStamp", "Model"]),
    tests("NodeSetupTests", imports: ["NodeSetup", "PluginStamp", "Model"]),
    tests("StagingTests", imports: ["Staging", "NodeCache", "Content", "Linux", "Model"]),
    tests("StructureTests", imports: []),
    tests("EndToEnd", imports: ["Model"]),
  ]
)
