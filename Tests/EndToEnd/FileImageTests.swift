import Foundation
import Testing

/// The same on a kernel that cannot hand over what a program has mounted.
@Suite struct FileImageKernelTests {
  @Test func `what a program mounts takes Linux 5_2, and older kernels say so`() throws {
    try Installed.withFolder { folder in
      let overlay = folder + "/changes.img"
      #expect(try Installed.run("overlay", "create", overlay).code == 0)
      let outcome = try Installed.run("exec", "--overlay", overlay, FileImageTests.image, "true")
      guard Installed.isOldKernel else { return #expect(outcome.code == 0, "\(outcome)") }
      #expect(outcome.code == 255 && outcome.err.hasPrefix("FATAL:"), "\(outcome)")
      #expect(outcome.err.contains("Linux 5.2") && outcome.err.contains("use a directory"), "\(outcome)")
    }
  }
}

/// File systems in files beside the image: as sources of binds and as overlays.
@Suite(.enabled(if: !Installed.isOldKernel, "file systems of programs need the mount interface of Linux 5.2"))
struct FileImageTests {
  static let image = Installed.image("tiny.sif")

  /// Runs a program of the host as the test's user or root.
  @discardableResult
  static func host(_ words: String..., as caller: Caller = .user, directory: String = "/") throws -> Outcome {
    let outcome = try Installed.execute(["/usr/bin/env"] + words, as: caller, directory: directory)
    try #require(outcome.code == 0, "\(words): \(outcome)")
    return outcome
  }

  /// A folder with a squashfs and an ext3 image of the same tree, which belong to the test's user.
  static func withImages(_ body: (_ folder: String) throws -> Void) throws {
    try Installed.withFolder { folder in
      try host("mkdir", "-p", "tree/dir/below", directory: folder)
      try host(
        "sh", "-c", "echo top >tree/file; echo deep >tree/dir/below/file; ln -s dir tree/link",
        directory: folder)
      try host("mksquashfs", "tree", "data.squashfs", "-quiet", "-no-progress", directory: folder)
      try host("truncate", "-s", "16M", "data.img", directory: folder)
      try host(
        "mke2fs", "-q", "-F", "-t", "ext3", "-E", "root_owner=\(userID()):\(userID())", "-d", "tree",
        "data.img",
        directory: folder)
      try body(folder)
    }
  }

  static func userID() throws -> String { try Installed.execute(["/usr/bin/id", "-u"], as: .user).line }

  /// Programs that hold something in the folder.
  static func programs(of folder: String) throws -> [String] {
    try Installed.execute(["/bin/ps", "-eo", "args"], as: .root).out.split(separator: "\n").map(String.init)
      .filter { $0.contains(folder) && !$0.hasPrefix("/bin/ps") }
  }

  static func expectClean(_ image: String) throws {
    let check = try Installed.execute(["/usr/bin/env", "e2fsck", "-fn", image], as: .root)
    #expect(check.code == 0, "\(check)")
    let state = try Installed.execute(["/usr/bin/env", "dumpe2fs", "-h", image], as: .root).out
    #expect(state.contains("Filesystem state:         clean"), "\(state)")
  }

  static let files: [(file: String, caller: Caller)] = [
    ("data.squashfs", .user), ("data.squashfs", .root), ("data.img", .user), ("data.img", .root),
  ]

  @Test(arguments: files) func `a bind shows what is in an image file, and its end leaves nothing`(
    file: String, caller: Caller
  ) throws {
    try Self.withImages { folder in
      let whole = try Installed.run(
        "exec", "--bind", "\(folder)/\(file):/mnt:image-src=/", Self.image, "sh", "-c",
        "cat /mnt/file /mnt/link/below/file /mnt/dir/below/file; touch /mnt/new 2>&1 | grep -o Read-only",
        as: caller)
      #expect(whole.out == "top\ndeep\ndeep\nRead-only\n", "\(whole)")
      let part = try Installed.run(
        "exec", "--mount", "type=bind,source=\(folder)/\(file),dst=/mnt,image-src=/link/below", Self.image,
        "cat",
        "/mnt/file", as: caller)
      #expect(part.line == "deep", "\(part)")
      let single = try Installed.run(
        "exec", "--bind", "\(folder)/\(file):/etc/passwd:ro,image-src=/file", Self.image, "cat",
        "/etc/passwd",
        as: caller)
      #expect(single.line == "top", "\(single)")
      #expect(SharedMountTests.wait(seconds: 5) { (try? Self.programs(of: folder).isEmpty) == true })
    }
  }

  @Test(arguments: Caller.allCases) func `an ext3 image is written to where that is asked for`(caller: Caller)
    throws
  {
    try Self.withImages { folder in
      let written = try Installed.run(
        "exec", "--bind", "\(folder)/data.img:/mnt:rw,image-src=/", Self.image, "sh", "-c",
        "echo new >/mnt/new; mkdir /mnt/made", as: caller)
      #expect(written.code == 0, "\(written)")
      try Self.expectClean(folder + "/data.img")
      let read = try Installed.run(
        "exec", "--bind", "\(folder)/data.img:/mnt:image-src=/", Self.image, "sh", "-c",
        "cat /mnt/new; ls -d /mnt/made",
        as: caller)
      #expect(read.out == "new\n/mnt/made\n", "\(read)")
    }
  }

  static let kernelMountsExt =
    access("/dev/loop-control", F_OK) == 0
    && (try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8).contains("\text4\n")) == true

  @Test(
    .enabled(if: FileImageTests.kernelMountsExt, "needs loop devices and the kernel's ext4"),
    arguments: ["rw", "ro"])
  func `a node does not panic because an image says so`(mode: String) throws {
    try Self.withImages { folder in
      try Self.host("tune2fs", "-e", "panic", "data.img", directory: folder)
      let outcome = try Installed.run(
        "exec", "--bind", "\(folder)/data.img:/mnt:\(mode),image-src=/", Self.image, "grep", " /mnt ",
        "/proc/mounts", as: .root)
      #expect(outcome.out.contains(" ext4 ") && outcome.out.contains("errors=remount-ro"), "\(outcome)")
    }
  }

  @Test func `what cannot be bound is refused with what to write`() throws {
    try Self.withImages { folder in
      let refusals: [(option: String, spec: String, words: [String])] = [
        ("--bind", "\(folder)/data.squashfs:/mnt:image-src=/nothing", ["no /nothing in", "image-src"]),
        ("--bind", "\(folder)/none:/mnt:image-src=/", ["does not exist"]),
        ("--bind", "\(folder)/tree:/mnt:image-src=/", ["is a directory", "leave out image-src"]),
        ("--bind", "\(folder)/data.squashfs:/mnt:id=3", ["is no SIF", "leave out id"]),
        ("--bind", "\(folder)/tree/file:/mnt:image-src=/", ["neither a SIF, nor a squashfs, nor an ext3"]),
        ("--bind", "\(Self.image):/mnt:image-src=/", ["no data partition", "id=N"]),
        ("--bind", "\(Self.image):/mnt:id=77", ["no partition 77", "sif list"]),
        ("--bind", "\(folder)/data.squashfs:/mnt:src=/", ["image-src=PATH"]),
        ("--mount", "source=\(folder)/data.squashfs,dst=/mnt,id=x", ["number of an object"]),
      ]
      for (option, spec, words) in refusals {
        let outcome = try Installed.run("exec", option, spec, Self.image, "true")
        #expect(outcome.code == 255 && outcome.err.hasPrefix("FATAL:"), "\(outcome)")
        #expect(words.allSatisfy(outcome.err.contains), "\(outcome.err)")
      }
    }
  }

  @Test(arguments: Caller.allCases) func `an object of a SIF is bound by its number`(caller: Caller) throws {
    let list = try Installed.run("sif", "list", Self.image).out
    let line = try #require(list.split(separator: "\n").first { $0.contains("*System") }, "\(list)")
    let root = line.drop { !$0.isNumber }.prefix { $0.isNumber }
    let outcome = try Installed.run(
      "exec", "--bind", "\(Self.image):/mnt:id=\(root),image-src=/bin", Self.image, "sh", "-c",
      "ls /mnt | grep -x sh",
      as: caller)
    #expect(outcome.line == "sh", "\(outcome)")
  }

  @Test(arguments: Caller.allCases)
  func `an ext3 overlay keeps changes, is clean afterwards, and is read with :ro`(
    caller: Caller
  ) throws {
    try Installed.withFolder { folder in
      let overlay = folder + "/changes.img"
      let made = try Installed.run("overlay", "create", "--create-dir", "/opt/data", overlay, as: caller)
      #expect(made.code == 0, "\(made)")
      let written = try Installed.run(
        "exec", "--overlay", overlay, Self.image, "sh", "-c",
        "echo kept >/new; echo more >/opt/data/file; busybox rm /opt/no-interpreter; mkdir /opt/made",
        as: caller)
      #expect(written.code == 0 && written.err.isEmpty, "\(written)")
      try Self.expectClean(overlay)
      let again = try Installed.run(
        "exec", "--overlay", overlay, Self.image, "sh", "-c",
        "cat /new /opt/data/file; ls /opt/no-interpreter 2>/dev/null; echo again >>/new", as: caller)
      #expect(again.out == "kept\nmore\n", "\(again)")
      let read = try Installed.run(
        "exec", "--overlay", overlay + ":ro", Self.image, "sh", "-c",
        "cat /new; touch /other 2>&1 | grep -o Read-only", as: caller)
      #expect(read.out == "kept\nagain\nRead-only\n", "\(read)")
      #expect(SharedMountTests.wait(seconds: 5) { (try? Self.programs(of: folder).isEmpty) == true })
      try Self.expectClean(overlay)
    }
  }

  /// Becomes a program for which the kernel has no mount_setattr(2), as before Linux 5.12.
  static let withoutAttributes = """
    import ctypes, os, struct, sys
    rules = [(0x20, 0, 0, 0), (0x15, 0, 1, 442), (6, 0, 0, 0x50000 | 38), (6, 0, 0, 0x7fff0000)]
    code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *rule) for rule in rules))
    class Filter(ctypes.Structure):
        _fields_ = [('count', ctypes.c_ushort), ('rules', ctypes.c_void_p)]
    program = Filter(len(rules), ctypes.addressof(code))
    prctl, none = ctypes.CDLL(None).prctl, ctypes.c_ulong(0)
    assert prctl(38, ctypes.c_ulong(1), none, none, none) == 0
    assert prctl(22, ctypes.c_ulong(2), ctypes.byref(program), none, none) == 0
    os.execv(sys.argv[1], sys.argv[1:])
    """

  @Test func `before Linux 5_12 what a program shows is read-only as well`() throws {
    try Installed.withFolder { folder in
      let overlay = folder + "/changes.img"
      _ = try Installed.run("overlay", "create", overlay)
      _ = try Installed.run("exec", "--overlay", overlay, Self.image, "sh", "-c", "echo kept >/new")
      let read = try Installed.execute(
        [
          "/usr/bin/env", "python3", "-c", Self.withoutAttributes, Installed.apus, "exec",
          "--no-shared-mount",
          "--overlay", overlay + ":ro", Self.image, "sh", "-c",
          "cat /new; touch /other 2>&1 | grep -o Read-only; touch /new 2>&1 | grep -o Read-only",
        ], as: .user)
      #expect(read.out == "kept\nRead-only\nRead-only\n", "\(read)")
    }
  }

  @Test(arguments: Caller.allCases)
  func `who writes to an image that was not closed is warned`(caller: Caller) throws {
    try Installed.withFolder { folder in
      let overlay = folder + "/changes.img"
      _ = try Installed.run("overlay", "create", overlay, as: caller)
      try Self.host("debugfs", "-w", "-R", "set_super_value state 0", overlay, as: caller)
      for (spec, isWarned) in [(overlay + ":ro", false), (overlay, true)] {
        let outcome = try Installed.run("exec", "--overlay", spec, Self.image, "true", as: caller)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(outcome.err.contains("WARNING: ") == isWarned, "\(outcome.err)")
        #expect(outcome.err.contains("e2fsck -f") == isWarned, "\(outcome.err)")
      }
    }
  }

  @Test(arguments: Caller.allCases) func `several overlays lie over each other, a squashfs among them`(
    caller: Caller
  )
    throws
  {
    try Self.withImages { folder in
      try Self.host("mkdir", "layer", "changes", directory: folder)
      try Self.host("sh", "-c", "echo layer >layer/file", directory: folder)
      let read = try Installed.run(
        "exec", "--overlay", "\(folder)/data.squashfs", "--overlay", "\(folder)/layer:ro", Self.image, "sh",
        "-c",
        "cat /file /dir/below/file", as: caller)
      #expect(read.out == "layer\ndeep\n", "\(read)")
      let written = try Installed.run(
        "exec", "--overlay", "\(folder)/changes", "--overlay", "\(folder)/data.squashfs:ro", Self.image, "sh",
        "-c",
        "echo changed >/dir/below/file; cat /dir/below/file /file", as: caller)
      #expect(written.out == "changed\ntop\n", "\(written)")
      let both = try Installed.run(
        "exec", "--overlay", "\(folder)/changes", "--overlay", "\(folder)/data.img", Self.image, "true",
        as: caller)
      #expect(both.code == 255 && both.err.contains("more than one"), "\(both)")
    }
  }

  @Test func `an overlay is not made where it would do harm`() throws {
    try Installed.withFolder { folder in
      try Self.host("sh", "-c", "echo text >file; mkdir dir", directory: folder)
      let sif = folder + "/signed.sif"
      try Self.host("cp", Self.image, sif)
      try Self.host("chmod", "0600", sif)
      // The type of the last object becomes that of a signature.
      try Self.host(
        "python3", "-c",
        """
        import sys
        f = open(sys.argv[1], 'r+b')
        f.seek(4096)
        slots = [f.read(585) for _ in range(48)]
        used = [i for i, s in enumerate(slots) if s[4] and s[0:4] != b'\\x04\\x40\\0\\0']
        f.seek(4096 + used[-1] * 585)
        f.write(b'\\x05\\x40\\0\\0')
        """, sif)
      for (words, said) in [
        (["--size", "63", "new"], "the least is 64 MiB"),
        (["--size", "1073741824", "new"], "at most 16777215 MiB"), (["file"], "there is a file of that name"),
        (["dir"], "there is a directory of that name"), (["signed.sif"], "it is signed"),
        (["--create-dir", "relative", "new"], "not an absolute path"), (["none/new"], "No such file"),
      ] {
        let outcome = try Installed.execute(
          [Installed.apus, "overlay", "create"] + words, as: .user, directory: folder)
        #expect(outcome.code == 255 && outcome.err.contains(said), "\(words) \(outcome)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/new"))
      #expect(try String(contentsOfFile: folder + "/file", encoding: .utf8) == "text\n")
    }
  }

  @Test func `a directory on a file system that takes no overlay is refused by its name`() throws {
    try Self.withImages { folder in
      try Self.host("mkdir", "mounted", directory: folder)
      let outcome = try Installed.execute(
        [
          "/usr/bin/unshare", "-m", "sh", "-c",
          "fuse2fs -o rw,allow_other data.img mounted >/dev/null 2>&1; "
            + "setpriv --reuid apus-test --regid apus-test --init-groups \"$@\"; code=$?; umount -l mounted; exit $code",
          "sh", Installed.apus, "exec", "--overlay", folder + "/mounted", Self.image, "true",
        ], as: .root, directory: folder)
      #expect(outcome.code == 255 && outcome.err.contains("FUSE"), "\(outcome)")
      #expect(outcome.err.contains("apus overlay create"))
    }
  }

  @Test func `a root in memory that is full says so to the program`() throws {
    try Installed.withFolder { folder in
      try Installed.write(Data("sessiondir max size = 2\n".utf8), to: folder + "/apus.conf")
      let outcome = try Installed.run(
        "--config", folder + "/apus.conf", "exec", "--writable-tmpfs", Self.image, "sh", "-c",
        "dd if=/dev/zero of=/large bs=1M count=8 2>&1")
      #expect(outcome.code == 1 && outcome.out.contains("No space left"), "\(outcome)")
    }
  }

  @Test func `explain tells of images, and neither locks nor changes them`() throws {
    try Self.withImages { folder in
      let before = try Data(contentsOf: URL(fileURLWithPath: folder + "/data.img"))
      let plan = try Installed.run(
        "explain", "exec", "--overlay", "\(folder)/data.img", "--bind",
        "\(folder)/data.squashfs:/mnt:image-src=/dir",
        Self.image, "true")
      #expect(
        plan.code == 0 && plan.out.contains("an overlay written to the ext3 image \(folder)/data.img"),
        "\(plan)")
      #expect(
        plan.out.contains("show /dir of the squashfs in \(folder)/data.squashfs at /mnt, read-only"),
        "\(plan)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/data.img")) == before)
    }
  }
}

/// One at a time with all other tests of instances.
extension InstanceTests {
  @Test(
    .enabled(if: !Installed.isOldKernel, "file systems of programs need the mount interface of Linux 5.2"))
  func `processes of its own, and an instance, leave an overlay as clean`() throws {
    try Installed.withFolder { folder in
      let overlay = folder + "/changes.img"
      _ = try Installed.run("overlay", "create", overlay)
      let own = try Installed.run(
        "exec", "--pid", "--overlay", overlay, FileImageTests.image, "sh", "-c", "echo own >/own")
      #expect(own.code == 0, "\(own)")
      try FileImageTests.expectClean(overlay)
      let name = "overlay-" + UUID().uuidString.prefix(8)
      let started = try Installed.run("instance", "start", "--overlay", overlay, FileImageTests.image, name)
      #expect(started.code == 0, "\(started)")
      #expect(
        try Installed.run("exec", "instance://\(name)", "sh", "-c", "cat /own; echo in >/in").line == "own")
      #expect(try Installed.run("instance", "stop", name).code == 0)
      #expect(
        SharedMountTests.wait(seconds: 10) { (try? FileImageTests.programs(of: folder).isEmpty) == true })
      try FileImageTests.expectClean(overlay)
      #expect(
        try Installed.run("exec", "--overlay", overlay + ":ro", FileImageTests.image, "cat", "/in").line
          == "in")
    }
  }
}
