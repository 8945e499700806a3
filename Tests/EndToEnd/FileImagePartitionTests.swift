import Foundation
import Testing

/// Overlay partitions of SIFs.
extension FileImageTests {
  @Test(arguments: Caller.allCases) func `a SIF gets an overlay partition, which --writable writes to`(
    caller: Caller
  )
    throws
  {
    try Installed.withFolder { folder in
      let sif = folder + "/own.sif"
      try Self.host("cp", Self.image, sif, as: caller)
      try Self.host("chmod", "0600", sif, as: caller)
      let without = try Installed.run("exec", "--writable", sif, "true", as: caller)
      #expect(without.code == 255 && without.err.contains("apus overlay create"), "\(without)")
      let made = try Installed.run("overlay", "create", "--sparse", sif, as: caller)
      #expect(made.code == 0, "\(made)")
      #expect(try Installed.run("sif", "list", sif, as: caller).out.contains("Overlay"))
      let written = try Installed.run("exec", "--writable", sif, "sh", "-c", "echo kept >/new", as: caller)
      #expect(written.code == 0, "\(written)")
      let read = try Installed.run(
        "exec", sif, "sh", "-c", "cat /new; touch /other 2>&1 | grep -o Read-only", as: caller)
      #expect(read.out == "kept\nRead-only\n", "\(read)")
      let twice = try Installed.run("overlay", "create", sif, as: caller)
      #expect(twice.code == 255 && twice.err.contains("has an overlay partition already"), "\(twice)")
    }
  }

  @Test(arguments: Caller.allCases) func `a SIF is the overlay of itself, under any name`(caller: Caller)
    throws
  {
    try Installed.withFolder { folder in
      let sif = folder + "/own.sif"
      try Self.host("cp", Self.image, sif, as: caller)
      try Self.host("chmod", "0600", sif, as: caller)
      try Self.host("ln", "-s", "own.sif", folder + "/link.sif", as: caller)
      #expect(try Installed.run("overlay", "create", "--sparse", sif, as: caller).code == 0)
      for name in ["own.sif", "link.sif"] {
        let written = try Installed.run(
          "exec", "--overlay", "\(folder)/\(name)", sif, "sh", "-c", "echo \(name) >/new", as: caller)
        #expect(written.code == 0, "\(written)")
        for options in [[], ["--overlay", "\(folder)/\(name):ro"]] {
          let read = try Installed.execute(
            [Installed.apus, "exec"] + options + [sif, "cat", "/new"], as: caller)
          #expect(read.line == name, "\(options) \(read)")
        }
      }
    }
  }

  @Test func `the overlay partition is left out where no overlay is wanted`() throws {
    try Installed.withFolder { folder in
      let sif = folder + "/own.sif"
      try Self.host("cp", Self.image, sif)
      try Self.host("chmod", "0600", sif)
      #expect(try Installed.run("overlay", "create", "--sparse", sif).code == 0)
      #expect(try Installed.run("exec", "--writable", sif, "sh", "-c", "echo kept >/new").code == 0)
      try Installed.write(Data("enable overlay = no\n".utf8), to: folder + "/apus.conf")
      let ways: [(configuration: [String], option: [String], why: String)] = [
        (["--config", folder + "/apus.conf"], [], "enable overlay = no"), ([], ["--underlay"], "--underlay"),
      ]
      for (configuration, option, why) in ways {
        let words = [Installed.apus] + configuration + ["exec"] + option
        let read = try Installed.execute(words + [sif, "ls", "/new"], as: .user)
        #expect(read.code != 0 && read.out.isEmpty, "\(read)")
        #expect(read.err.contains("WARNING: ") && read.err.contains(why), "\(read)")
        let written = try Installed.execute(words + ["--writable", sif, "true"], as: .user)
        #expect(written.code == 255 && written.err.contains("FATAL:"), "\(written)")
        #expect(written.err.contains(why), "\(written)")
      }
    }
  }

  @Test func `what is missing for a partition of a SIF has other words`() throws {
    try Installed.withFolder { folder in
      let sif = folder + "/own.sif"
      try Self.host("cp", Self.image, sif)
      try Self.host("chmod", "0600", sif)
      #expect(try Installed.run("overlay", "create", "--sparse", sif).code == 0)
      for program in ["fuse2fs", "fuse-overlayfs"] {
        let outcome = try Installed.execute(
          [
            "/usr/bin/unshare", "-m", "sh", "-c",
            "mount --bind /dev/null /usr/bin/\(program); exec setpriv --reuid apus-test --regid apus-test --init-groups \"$@\"",
            "sh", Installed.apus, "exec", sif, "true",
          ], as: .root)
        #expect(outcome.code == 255 && outcome.err.contains("the package \(program)"), "\(outcome)")
        #expect(
          outcome.err.contains("in a partition") && !outcome.err.contains("use a directory"), "\(outcome)")
      }
    }
  }
}
