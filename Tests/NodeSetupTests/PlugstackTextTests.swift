import Testing

@testable import NodeSetup

@Suite struct PlugstackTextTests {
  @Test func `our line is found among others, and what is included`() {
    let text = PlugstackText(
      """
      # required /old/spank_apus.so
      include plugstack.conf.d/*.conf
      required spank_other.so spank_apus.so
        Optional\t/usr/lib/apus/spank_apus.so helper=/a cache_dir=/b  # of us
      """)
    #expect(text.includes == ["plugstack.conf.d/*.conf"])
    #expect(
      text.lines == [
        .init(isRequired: false, plugin: "/usr/lib/apus/spank_apus.so", words: ["helper=/a", "cache_dir=/b"])
      ])
  }

  @Test(arguments: [
    ("", "required /p/spank_apus.so helper=/h cache_dir=/c\n"),
    ("required x.so\n", "required x.so\nrequired /p/spank_apus.so helper=/h cache_dir=/c\n"),
    // What the site has decided stays.
    (
      "# ours\noptional   /old/spank_apus.so stage=node helper=/old  cache_max=50%\nrequired y.so\n",
      "# ours\noptional /p/spank_apus.so stage=node helper=/h cache_max=50%\nrequired y.so\n"
    ),
    // Already so: not a byte changes.
    ("required\t/p/spank_apus.so  helper=/h # why\n", "required\t/p/spank_apus.so  helper=/h # why\n"),
    ("required spank_apus.so", "required /p/spank_apus.so helper=/h\n"),
  ])
  func `a line is added, or changed where it stands`(before: String, after: String) {
    let edited = PlugstackText.edited(
      before, plugin: "/p/spank_apus.so", words: ["helper=/h"], added: ["cache_dir=/c"])
    #expect(edited == after)
  }

  @Test(arguments: [
    ("PlugStackConfig=/a/b.conf", "/a/b.conf"), ("plugstackconfig=b.conf # /c", "/etc/slurm/b.conf"),
    ("PlugStackConfig = /a/b.conf", "/a/b.conf"), ("PlugStackConfig\t=\"/a b\" X=1", "/a b"),
    ("X = 1 Y=2 plugstackconfig= /c Z", "/c"), ("PlugStackConfig=", "/etc/slurm/plugstack.conf"),
    ("#PlugStackConfig=/a", "/etc/slurm/plugstack.conf"), ("", "/etc/slurm/plugstack.conf"),
  ])
  func `slurm conf says where plugstack conf is`(text: String, path: String) {
    #expect(SlurmPlaces(text).plugstackPath(in: "/etc/slurm") == path)
  }

  @Test(
    arguments: [
      ("AuthInfo=socket=/x", "/x"), ("AuthInfo=socket=/x,ttl=60", "/x"), ("AuthInfo=ttl=60,socket=/x", "/x"),
      ("AuthInfo = \"cred_expire=9,socket=/x\"", "/x"), ("AuthInfo=ttl=60", nil), ("AuthInfo=/x", nil),
    ] as [(String, String?)])
  func `slurm conf says where munge listens`(text: String, socket: String?) {
    #expect(SlurmPlaces(text).mungeSocket == socket)
  }

  @Test func `other files are named by include alone`() {
    #expect(SlurmPlaces("Include a.conf\ninclude = b\nTaskProlog=/p x=/y=z").includes == ["a.conf"])
  }

  @Test(arguments: [
    ("/etc/slurm/slurm.conf", false), ("/run/slurm/conf/slurm.conf", true),
    ("/var/spool/slurmd/conf-cache/slurm.conf", true),
  ])
  func `copies that the controller sent are known by their places`(path: String, isCopy: Bool) {
    #expect(SlurmPlaces.isCopy(path) == isCopy)
  }
}
