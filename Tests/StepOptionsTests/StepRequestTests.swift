import Launch
import Model
import Settings
import Testing

@testable import StepOptions

@Suite struct StepRequestTests {
  static let variables = Variables([
    "HOME=/home/ann", "LANG=de_DE", "LC_ALL=de", "A=host", "PATH=/host/bin", "SECRET=x", "SLURM_JOB_ID=7",
    "APUS_CONTAINER_IMAGE=/i.sif", "MPI_HOME=/host/mpi", "PREPEND_PATH=/x", "UID=7",
    "BASH_FUNC_m%%=() { x; }",
  ])

  static func request(
    _ words: [(String, String)] = [], site: SiteOptions = SiteOptions(),
    change: (inout StepFacts) -> Void = { _ in }
  ) throws -> LaunchRequest {
    var facts = StepFacts(imagePath: "/i.sif", arguments: ["true"], variables: variables)
    change(&facts)
    return makeLaunchRequest(try Given.image(words, site: site), site: site, facts: facts)
  }

  typealias Change = @Sendable (inout LaunchRequest) -> Void
  static let rows: [([(String, String)], SiteOptions, Change)] = [
    ([], SiteOptions(), { _ in }),
    ([("no-container-mount-home", "")], SiteOptions(), { $0.noHome = true }),
    (
      [], Given.pyxis,
      {
        $0.noHome = true
        $0.startsInImage = true
        $0.withheldVariables = ["LANG", "LANGUAGE", "LC_ALL"]
      }
    ),
    (
      [("container-mount-home", ""), ("container-workdir", "/w")], Given.pyxis,
      {
        $0.workingDirectory = "/w"
        $0.withheldVariables = ["LANG", "LANGUAGE", "LC_ALL"]
      }
    ),
    ([("container-remap-root", "")], SiteOptions(), { $0.homeSpec = "/home/ann:/root" }),
    ([("container-workdir", "image")], SiteOptions(), { $0.startsInImage = true }),
    ([("container-workdir", "/w")], SiteOptions(), { $0.workingDirectory = "/w" }),
    (
      [("container-unshare", "net,ipc,uts")], SiteOptions(),
      {
        $0.network = true
        $0.networks = ["none"]
        $0.ipc = true
        $0.uts = true
      }
    ),
    ([("container-writable", "")], SiteOptions(), { $0.writableTemporary = true }),
    ([("container-env", "A,UNSET,B=1")], SiteOptions(), { $0.literalVariables = ["A=host", "B=1"] }),
    (
      [("container-env", "NONE,A")], SiteOptions(),
      {
        $0.cleanEnvironment = true
        $0.literalVariables = ["A=host"]
      }
    ),
    (
      [("container-env", "ALL")], Given.pyxis,
      {
        $0.noHome = true
        $0.startsInImage = true
        $0.literalVariables = ["LANG=de_DE", "LC_ALL=de", "A=host", "SECRET=x", "MPI_HOME=/host/mpi"]
      }
    ),
    (
      [("container-env", "ALL,PATH")], SiteOptions(),
      {
        $0.literalVariables = [
          "LANG=de_DE", "LC_ALL=de", "A=host", "SECRET=x", "MPI_HOME=/host/mpi", "PATH=/host/bin",
        ]
      }
    ),
    (
      [("container-env", "LANG")], Given.pyxis,
      {
        $0.noHome = true
        $0.startsInImage = true
        $0.withheldVariables = ["LANGUAGE", "LC_ALL"]
        $0.literalVariables = ["LANG=de_DE"]
      }
    ),
  ]

  @Test(arguments: rows.indices) func `what options make of a launch`(index: Int) throws {
    let (words, site, change) = Self.rows[index]
    var expected = LaunchRequest(.exec, imagePath: "/i.sif", arguments: ["true"])
    change(&expected)
    #expect(try Self.request(words, site: site) == expected)
  }

  @Test func `a variable the site denies stays outside whoever asks for it`() throws {
    let site = try SiteOptions(words: ["env_deny=SECRET,LC_*"])
    for words in [[("container-env", "SECRET,A")], [("container-env", "ALL")]] {
      let request = try Self.request(words, site: site)
      #expect(request.withheldVariables == ["SECRET", "LC_*"])
      #expect(request.literalVariables.contains("A=host"))
      #expect(!request.literalVariables.contains { $0.hasPrefix("SECRET") || $0.hasPrefix("LC_ALL") })
    }
  }

  @Test func `mounts of the site come first, then what Slurm needs, then the user's`() throws {
    let site = try SiteOptions(words: ["bind=/site"])
    let request = try Self.request([("container-mounts", "/user")], site: site) {
      $0.needs = StepNeeds.ofFiles(batchScript: "/script")
    }
    #expect(request.requestedMounts.map(\.target) == ["/site", "/script", "/user"])
    #expect(request.requestedMounts.map(\.isOfSite) == [true, true, false])
  }

  @Test func `a named container is written to where it keeps things`() throws {
    let request = try Self.request([("container-name", "n")]) { $0.layerDirectory = "/run/apus/1/7/n" }
    #expect(request.overlays == ["/run/apus/1/7/n"] && !request.writableTemporary)
    let readOnly = try Self.request([("container-name", "n"), ("container-readonly", "")]) {
      $0.layerDirectory = "/run/apus/1/7/n"
    }
    #expect(readOnly.overlays.isEmpty && !readOnly.writableTemporary)
  }

  @Test(arguments: [("/w/", "/w"), ("rel", nil), ("/a/../b", "/b")] as [(String, String?)])
  func `the image's directory is a path or nothing`(text: String, expected: String?) throws {
    #expect(try Self.request { $0.imageDirectory = text }.imageDirectory == expected)
  }

  @Test func `what the launcher of MPI programs needs gives way to the user`() throws {
    let needs = StepNeeds.ofMPI(Variables(["PMIX_RANK=0"]), exists: { _ in false })
    #expect(
      try Self.request { $0.needs = needs }.literalVariables == ["PMIX_MCA_psec=native", "PMIX_MCA_gds=hash"])
    #expect(
      try Self.request([("container-env", "PMIX_MCA_gds=ds21")]) { $0.needs = needs }.literalVariables
        == ["PMIX_MCA_psec=native", "PMIX_MCA_gds=ds21"])
  }
}
