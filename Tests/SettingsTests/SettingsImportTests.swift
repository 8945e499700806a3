import Testing

@testable import Settings

@Suite struct SettingsImportTests {
  static let apptainer = """
    # APPTAINER.CONF
    allow setuid = yes
    max loop devices = 256
    mount home = no
    mount home = yes
    config passwd = yes
    sessiondir max size = 64
    bind path = /etc/localtime
    bind path = /scratch:/scratch
    mount dev = some
    always use nv = yes
    limit container paths = /images
    strange key = 1
    rubbish
    """

  @Test func `what means the same is kept, and the rest is a comment with the reason`() throws {
    let text = SettingsImport.text(of: Self.apptainer, path: "apptainer.conf")
    let lines = text.split(separator: "\n").map(String.init)
    #expect(
      lines.filter { !$0.hasPrefix("#") } == [
        "mount home = no", "config passwd = yes", "bind path = /etc/localtime",
        "bind path = /scratch:/scratch",
        "limit container paths = /images",
      ])
    for (line, why) in [
      ("# allow setuid = yes", "set-uid"), ("# max loop devices = 256", "loop device"),
      ("# mount home = yes", "line 4"), ("# sessiondir max size = 64", "an eighth"),
      ("# mount dev = some", "yes or no"), ("# always use nv = yes", "GPU"),
      ("# strange key = 1", "neither"),
    ] {
      let place = try #require(lines.firstIndex(of: line), "\(line)")
      #expect(lines[place + 1].hasPrefix("#   ") && lines[place + 1].contains(why), "\(lines[place + 1])")
    }
    #expect(text.contains("# line 14 is not"))
  }

  @Test func `what comes out is a file without anything to say about`() {
    let review = SettingsReview(SettingsImport.text(of: Self.apptainer, path: "a"), path: "c")
    #expect(review.findings.isEmpty)
    #expect(!review.settings.mountsHome && review.settings.limitedPaths == ["/images"])
  }

  @Test func `a file without binds binds nothing, as with Apptainer`() {
    let review = SettingsReview(SettingsImport.text(of: "mount tmp = no\n", path: "a"), path: "c")
    #expect(review.settings.bindPaths.isEmpty && !review.settings.mountsTemporary)
  }
}
