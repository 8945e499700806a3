import Launch
import Model
import Testing

@testable import StepOptions

@Suite struct MountGrammarTests {
  static func bind(_ source: String, _ target: String, ro: Bool = false, optional: Bool = false)
    -> RequestedMount
  {
    RequestedMount(
      .bind(source: source, isWritable: !ro), target: target, origin: "--container-mounts",
      isOptional: optional)
  }

  static func temporary(_ target: String, _ options: [FileSystemOption] = []) -> RequestedMount {
    RequestedMount(.temporary(options: options), target: target, origin: "--container-mounts")
  }

  @Test(arguments: [
    ("/home:/test", [bind("/home", "/test")]),
    ("/var/lib", [bind("/var/lib", "/var/lib")]),
    ("./:/test", [bind("/work/job", "/test")]),
    ("./data", [bind("/work/job/data", "/work/job/data")]),
    ("data:/d", [bind("/work/job/data", "/d")]),
    ("../up:/up", [bind("/work/up", "/up")]),
    ("/a:./b", [bind("/a", "/b")]),
    ("/with space:/in side", [bind("/with space", "/in side")]),
    ("/a:/b:ro", [bind("/a", "/b", ro: true)]),
    ("/a:/b:", [bind("/a", "/b")]),
    ("/a:/b:ro+rw", [bind("/a", "/b")]),
    ("/a:/b:unbindable+ro", [bind("/a", "/b", ro: true)]),
    ("/a:/b:x-create=dir+rbind+nosuid+nofail", [bind("/a", "/b", optional: true)]),
    ("/a:/b,/a:/b,/c", [bind("/a", "/b"), bind("/c", "/c")]),
    ("tmpfs:/scratch", [temporary("/scratch")]),
    (
      "tmpfs:/s:size=1G+mode=0700+ro",
      [
        temporary(
          "/s", [FileSystemOption("size", "1G"), FileSystemOption("mode", "0700"), FileSystemOption("ro")])
      ]
    ),
    ("umount:/tmp", [RequestedMount(.nothing, target: "/tmp", origin: "--container-mounts")]),
    (
      "umount:/tmp:x-detach,/a:/tmp",
      [RequestedMount(.nothing, target: "/tmp", origin: "--container-mounts"), bind("/a", "/tmp")]
    ),
  ])
  func `mounts as Pyxis writes them`(text: String, mounts: [RequestedMount]) throws {
    #expect(try Given.image([("container-mounts", text)]).mounts == mounts)
  }

  @Test(arguments: [
    (":", "it names no source"), ("/tmp:", "it names no destination"), ("/a,,/b", "it names no source"),
    ("tmpfs", "it names no destination"), ("umount", "it names no destination"),
    ("/home:../home", "the destination is no path from the root"),
    ("/home:/a/../../home", "the destination is no path"), ("/a:b", "the destination is no path"),
    ("/a:/", "nothing can be shown in place of the root"), ("/", "nothing can be shown in place of the root"),
    ("/a:/b:fast", "\"fast\" is no flag"), ("/a:/b:ro:rw", "\"ro:rw\" is no flag"),
    ("/a:/b:size=1G", "\"size=1G\" is no flag"), ("tmpfs:/a:uid=0", "\"uid=0\" is no flag"),
    ("/a\n:/b", "control characters"),
  ])
  func `entries without sense are refused`(text: String, why: String) {
    #expect {
      _ = try Given.image([("container-mounts", text)])
    } throws: { error in
      (error as? StepFault)?.explanation.why.contains(why) ?? false
    }
  }

  @Test func `flags that change nothing here are told`() throws {
    let notices = try Given.image([("container-mounts", "/a:/b:rprivate+ro+rslave")]).notices
    #expect(notices.map(\.level) == [.info])
    #expect(notices[0].text.contains("rprivate, rslave"))
    #expect(try Given.image([("container-mounts", "/a:/b:ro+bind+x-create=auto")]).notices.isEmpty)
  }
}
