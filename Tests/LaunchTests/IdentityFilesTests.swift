import Linux
import Model
import Settings
import Testing

@testable import Launch

@Suite struct IdentityFilesTests {
  static let image = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/sbin/nologin\n"

  @Test(arguments: [
    (image, image + "ann:x:1000:1000:Ann:/home/ann:/bin/zsh\n"),
    (
      image + "ubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n",
      image + "ann:x:1000:1000:Ann:/home/ann:/bin/zsh\n"
    ),
    ("ann:x:7:7::/:/bin/sh\n" + image, image + "ann:x:1000:1000:Ann:/home/ann:/bin/zsh\n"),
    ("", "ann:x:1000:1000:Ann:/home/ann:/bin/zsh\n"),
    ("no newline", "no newline\nann:x:1000:1000:Ann:/home/ann:/bin/zsh\n"),
    ("\n\n#c\n::\n", "#c\n::\nann:x:1000:1000:Ann:/home/ann:/bin/zsh\n"),
  ])
  func `the caller has one line in passwd`(text: String, result: String) {
    #expect(passwd(text, Facts.user, home: "/home/ann") == result)
  }

  @Test func `the home directory is the one inside`() {
    #expect(passwd("", Facts.user, home: "/root").hasSuffix(":Ann:/root:/bin/zsh\n"))
    #expect(passwd("", Facts.user, home: nil).hasSuffix(":Ann:/home/ann:/bin/zsh\n"))
  }

  @Test func `a user without an entry gets one named by number`() {
    let user = User(uid: 4_000_000_000, gid: 7, groups: [], entry: nil)
    #expect(passwd("", user, home: nil) == "user4000000000:x:4000000000:7::/:/bin/sh\n")
    #expect(group("root:x:0:\n", user, hostGroups: "seven:x:7:\n") == "root:x:0:\nseven:x:7:\n")
    #expect(group("", user, hostGroups: "") == "")
  }

  @Test func `groups that the image lacks are added under the host's names`() {
    let text = group(
      "root:x:0:\nsudo:x:27:\n", Facts.user, hostGroups: "wheel:x:27:\nproject:x:5000:bob\nother:x:9:\n")
    #expect(text == "root:x:0:\nsudo:x:27:\nann:x:1000:\nproject:x:5000:ann\n")
  }

  @Test func `thousands of groups take no time`() {
    let user = User(uid: 1000, gid: 1000, groups: Array(10_000..<12_000), entry: Facts.entry)
    let names = (0..<20_000).map { "g\($0):x:\($0):\n" }.joined()
    let text = group("root:x:0:\n", user, hostGroups: names)
    #expect(text.split(separator: "\n").count == 1 + 1 + 2000)
  }

  @Test func `root and switched off files change nothing`() {
    var image = Facts.image()
    image.passwd = Self.image
    image.group = "root:x:0:\n"
    let root = User(uid: 0, gid: 0, groups: [], entry: nil)
    #expect(
      identityFiles(settings: Settings(), host: Facts.host(user: root), image: image, home: nil).isEmpty)
    var settings = Settings()
    #expect(
      identityFiles(settings: settings, host: Facts.host(), image: image, home: nil).map(\.target) == [
        "/etc/passwd", "/etc/group",
      ])
    settings.writesPasswd = false
    #expect(
      identityFiles(settings: settings, host: Facts.host(), image: image, home: nil).map(\.target) == [
        "/etc/group"
      ])
    settings.writesGroup = false
    #expect(identityFiles(settings: settings, host: Facts.host(), image: image, home: nil).isEmpty)
  }
}
