import Model
import Testing

@testable import Bundle

/// config.json → what the container has of it.
@Suite struct BundleDocumentTests {
  static func bundle(_ text: String) throws(BundleFault) -> Bundle {
    try Bundle(Array(text.utf8), path: "/srv/b")
  }

  @Test func `a whole document is read, and what is not ours is left aside`() throws {
    let bundle = try Self.bundle(
      """
      {"ociVersion": "1.0.2", "unknown": [1, {"x": null}],
       "process": {"terminal": true, "user": {"uid": 7, "gid": 8, "umask": 23},
         "args": ["sh", "-c", "echo $X"], "env": ["PATH=/bin", "X=a=b"], "cwd": "/work",
         "capabilities": {"bounding": ["CAP_KILL"]}, "rlimits": []},
       "root": {"path": "rootfs", "readonly": true}, "hostname": "inside",
       "mounts": [
         {"destination": "/proc", "type": "proc", "source": "proc"},
         {"destination": "/data", "type": "bind", "source": "/srv/data", "options": ["rbind", "ro"]},
         {"destination": "/x/../y", "source": "here", "options": ["bind"]}],
       "hooks": {"prestart": [{"path": "/bin/false"}]},
       "annotations": {"org.apus.image": "/i.sif", "b": ""},
       "linux": {"namespaces": [{"type": "pid"}]}}
      """)
    #expect(bundle.root == "/srv/b/rootfs")
    #expect(bundle.arguments == ["sh", "-c", "echo $X"])
    #expect(bundle.environment == ["PATH=/bin", "X=a=b"])
    #expect(bundle.directory == "/work")
    #expect(bundle.umask == 0o027)
    #expect(bundle.uid == 7)
    #expect(bundle.hostName == "inside")
    #expect(
      bundle.binds == [
        .init(source: "/srv/data", target: "/data", isWritable: false),
        .init(source: "/srv/b/here", target: "/y", isWritable: true),
      ])
    #expect(bundle.annotations.map { $0.name + "=" + $0.value } == ["org.apus.image=/i.sif", "b="])
  }

  @Test(
    arguments: [
      ("{}", nil), (#"{"root": {"path": "/a/../i.sif"}}"#, "/i.sif"), (#"{"root": {"path": "."}}"#, "/srv/b"),
      (#"{"root": {"path": "docker://debian:12"}}"#, "docker://debian:12"), (#"{"root": null}"#, nil),
    ] as [(String, String?)])
  func `the root is a path from the bundle, or a reference`(text: String, root: String?) throws {
    #expect(try Self.bundle(text).root == root)
  }

  @Test(
    arguments: [
      ("", "no JSON"), ("[]", "no object"), ("{", "no JSON"), (#"{"root": {}}"#, "root has no path"),
      (#"{"root": {"path": ""}}"#, "root.path is empty"),
      (#"{"root": {"path": 1}}"#, "root.path is no string"),
      (#"{"process": {"args": "sh"}}"#, "process.args is no list"),
      (#"{"process": {"args": [1]}}"#, "process.args is no string"),
      (#"{"process": {"args": ["a\u0000b"]}}"#, "holds a NUL"),
      (#"{"process": {"cwd": "work"}}"#, "process.cwd is no absolute path"),
      (#"{"process": {"user": {"umask": 512}}}"#, "umask is no number below"),
      (#"{"process": {"user": {"uid": -1}}}"#, "uid is no number below"),
      (#"{"mounts": {}}"#, "mounts is no list"),
      (#"{"mounts": [{"type": "bind", "source": "/x"}]}"#, "mounts[0] is a bind without"),
      (#"{"annotations": {"a": 1}}"#, "annotations"),
      (String(repeating: "[", count: 100_000), "nested deeper"),
    ] as [(String, String)])
  func `refuses and names the member`(text: String, why: String) {
    let fault = #expect(throws: BundleFault.self) { try Self.bundle(text) }
    #expect(fault?.why.contains(why) == true, "\(fault?.why ?? "")")
  }

  @Test func `what stands for an image is read as that image`() throws {
    let path = "/srv/a \"b\",\n.sif"
    let bundle = try Self.bundle(Bundle.text(standingFor: path))
    #expect(bundle.root == path)
    #expect(bundle.annotations.map(\.value) == [path])
    #expect(bundle.arguments.isEmpty && bundle.directory == nil && bundle.binds.isEmpty)
  }

  @Test func `a bundle becomes words for the launcher`() {
    var bundle = Bundle()
    #expect(bundle.words(takesEnvironment: true) == ["--bundle-read"])
    bundle.binds = [.init(source: "/a,\"b\"", target: "/c", isWritable: false)]
    bundle.environment = ["A=1", "B=x y"]
    bundle.directory = "/d"
    bundle.umask = 0o077
    bundle.hostName = "h"
    bundle.annotations = [("n", "v=w")]
    let rest = ["--cwd", "/d", "--umask", "77", "--hostname", "h", "--annotation", "n=v=w"]
    let bind = ["--mount", #"type=bind,"source=/a,""b""","target=/c",ro"#]
    #expect(
      bundle.words(takesEnvironment: true)
        == ["--bundle-read"] + bind + ["--set", "A=1", "--set", "B=x y"] + rest)
    #expect(bundle.words(takesEnvironment: false) == ["--bundle-read"] + bind + rest)
  }
}
