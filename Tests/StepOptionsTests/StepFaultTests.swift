import Model
import Testing

@testable import StepOptions

@Suite struct StepFaultTests {
  static let hostile = ["a\nb", "../../etc/shadow", "x\u{1B}[2J", String(repeating: "é/", count: 2000)]
  static let options = [
    "container-image", "container", "container-mounts", "container-workdir", "container-name",
    "container-save",
    "container-env", "container-unshare", "container-stage", "container-verify",
  ]

  @Test(arguments: hostile) func `whatever a user writes, a message stays one short printable line`(
    text: String
  ) {
    for option in Self.options {
      do throws(StepFault) {
        let words = [(option, text)] + (option.hasSuffix("image") ? [] : [("container-image", "/i")])
        let options = try Given.options(option == "container" ? [(option, text)] : words)
        guard let image = options.image else { continue }
        _ = try StepImage.resolve(image, directory: "/work", imagePath: ["/site"]) { _ in false }
      } catch { check(error.explanation) }
    }
    check(StepFault.optionUnknown(name: text).explanation)
    check(StepFault.siteValue(word: text, value: text, expected: "x").explanation)
  }

  private func check(_ explanation: Explanation) {
    for part in [explanation.what, explanation.why, explanation.remedy] {
      #expect(part.utf8.count < 1000, "\(part.prefix(80))")
      #expect(!part.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F })
    }
  }

  @Test func `what is still to come says so`() {
    for origin in ["--container-nv", "--container-verify=sig"] {
      #expect(StepFault.notInThisVersion(origin: origin).explanation.why.contains("not in this version"))
    }
    #expect(ExitCode.jobStep == 125)
  }
}
