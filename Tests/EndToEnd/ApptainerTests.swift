import Foundation
import Testing

/// Images made by Apptainer in Apus, and the other way round: both programs run the same words, and what they print is
/// compared. `scripts/test` brings an Apptainer (scripts/peers) and images made with it (scripts/test-peer-images).
@Suite(.enabled(if: Peers.arePresent)) struct ApptainerTests {
  static let images = ["full.sif", "sandbox", "docker.sif", "oci.sif", "signed.sif"]

  // MARK: environment

  @Test(
    arguments: [
      (["full.sif"], [:]), (["sandbox"], [:]), (["docker.sif"], [:]), (["oci.sif"], [:]),
      (["signed.sif"], [:]),
      (["-e", "full.sif"], [:]), (["-C", "full.sif"], [:]), (["-e", "docker.sif"], [:]),
      (["--app", "solver", "full.sif"], [:]), (["--app", "plotter", "sandbox"], [:]),
      (["--env", "A=1,B=$(echo hi),GREETING=mine", "full.sif"], [:]),
      (["--no-eval", "--env", "A=1,B=$(echo hi),GREETING=mine", "full.sif"], [:]),
      (
        ["full.sif"],
        ["APPTAINERENV_X": "a$HOME", "APPTAINERENV_PREPEND_PATH": "/first", "SINGULARITYENV_Y": "y"]
      ),
      (["full.sif"], ["APPTAINERENV_PATH": "/bin:/only", "APPTAINERENV_LD_LIBRARY_PATH": "/q"]),
      (
        ["full.sif"],
        ["APPTAINERENV_APPEND_PATH": "/last", "GREETING": "of the host", "OTHER": "of\nthe host"]
      ),
      (["docker.sif"], ["FROM_OCI": "host", "APPTAINERENV_FROM_OCI": "injected"]),
      (["--env", "B=$(echo hi)", "full.sif"], ["SHLVL": "3"]),
      (["docker.sif"], ["APPTAINER_CLEANENV": "1", "TERM": "vt100"]),
    ] as [([String], [String: String])])
  func `programs see the same variables`(words: [String], variables: [String: String]) throws {
    let both = try Peers.both(
      ["exec"] + words.dropLast() + [Peers.image(words.last ?? ""), "/bin/env"], variables)
    #expect(both.theirs.code == 0 && both.ours.code == 0, "\(both.theirs.err) \(both.ours.err)")
    let theirs = Peers.comparable(both.theirs.out)
    #expect(theirs.contains("APPTAINER_COMMAND=exec"))
    #expect(Peers.comparable(both.ours.out) == theirs)
  }

  @Test func `images older than the folder of scripts have their environment`() throws {
    let both = try Peers.both(["exec", Peers.image("old"), "/bin/sh", "-c", "echo $OLD"])
    #expect(both.ours.line == "of the top" && both.theirs.line == both.ours.line)
  }

  // MARK: programs

  @Test(
    arguments: [
      ["run", "full.sif"], ["run", "full.sif", "a", "b  c", "$HOME", ""], ["test", "full.sif", "x"],
      ["run", "sandbox", "a"], ["run", "--app", "solver", "full.sif", "a b"],
      ["run", "--app", "plotter", "sandbox"],
      ["test", "--app", "solver", "full.sif"], ["run", "docker.sif"], ["run", "oci.sif"],
      ["run", "docker.sif", "a b", "$HOME", "$(echo hi)", "`echo x`"], ["run", "oci.sif", "'single'", "*"],
      ["run", "--no-eval", "docker.sif", "a b", "$HOME", "$(echo hi)", "q\"q"],
      ["exec", "docker.sif", "/bin/pwd"], ["exec", "-C", "full.sif", "/bin/pwd"],
      ["exec", "full.sif", "/bin/false"], ["exec", "full.sif", "/bin/sh", "-c", "kill -9 $$"],
      ["exec", "full.sif", "/bin/sh", "-c", "echo $0 \"$@\"", "a", "b  c"],
      ["exec", "full.sif", "/bin/cat", "/opt/made"],
      ["exec", "full.sif", "/bin/id"],
      ["exec", "sandbox", "/bin/stat", "-c", "%u %g %a", "/opt/made", "/.singularity.d"],
      ["exec", "full.sif", "/bin/stat", "-c", "%u %g %a", "/opt/made", "/bin/busybox"],
      ["run-help", "full.sif"], ["run-help", "--app", "solver", "full.sif"], ["run-help", "docker.sif"],
    ])
  func `programs print the same and end the same`(words: [String]) throws {
    let both = try Peers.both(Peers.withImage(words))
    #expect(both.ours.out == both.theirs.out, "\(both.theirs.err) \(both.ours.err)")
    #expect(both.ours.code == both.theirs.code)
  }

  @Test func `an application that the image does not have ends with 1`() throws {
    let both = try Peers.both(["run", "--app", "nothing", Peers.image("full.sif")])
    #expect(both.theirs.code == 1 && both.ours.code == 1 && both.ours.err.contains("nothing"))
  }

  // MARK: looking into images

  @Test(arguments: [
    [], ["-l"], ["-d"], ["-r"], ["-s"], ["-t"], ["-e"], ["-H"], ["-l", "-d", "-r", "-s", "-t", "-e", "-H"],
    ["--list-apps"], ["--app", "solver"], ["--app", "solver", "-r"], ["--app", "solver", "-e"],
    ["--app", "solver", "-H"],
  ])
  func `inspect prints the same text`(options: [String]) throws {
    for image in Self.images + ["encrypted.sif", "overlaid.sif"] {
      // Their own way to look into a directory is to start it; what it does not have is an error there.
      if image == "sandbox", options.contains("-s") || options.contains("-H") { continue }
      let both = try Peers.both(["inspect"] + options + [Peers.image(image)])
      if Self.lacksApplication(both) { continue }
      #expect(
        both.ours.out == both.theirs.out && both.ours.code == both.theirs.code, "\(image): \(both.ours.err)")
    }
  }

  @Test(arguments: [
    ["--json"], ["--all"], ["--json", "-r", "-e"], ["--list-apps", "--json"], ["--app", "solver", "--json"],
  ])
  func `inspect prints the same json`(options: [String]) throws {
    for image in Self.images {
      // Of a directory they list names alone, of a SIF all there is to say.
      if image == "sandbox", options.contains("--list-apps") { continue }
      let both = try Peers.both(["inspect"] + options + [Peers.image(image)])
      if Self.lacksApplication(both) { continue }
      #expect(try Peers.object(both.ours.out) == Peers.object(both.theirs.out), "\(image)")
    }
  }

  /// Of an application that an image does not have they show nothing and are content; ours says so.
  private static func lacksApplication(_ both: (theirs: Outcome, ours: Outcome)) -> Bool {
    both.ours.code == 1 && both.theirs.code == 0
      && both.ours.err.contains("cannot locate the container application")
  }

  @Test(arguments: ["full.sif", "docker.sif", "oci.sif", "signed.sif", "encrypted.sif", "overlaid.sif"])
  func `sif header, list, info and dump print the same`(image: String) throws {
    let path = Peers.image(image)
    for words in [["header", path], ["list", path]]
      + (1...5).flatMap({ [["info", "\($0)", path], ["dump", "\($0)", path]] })
    {
      let both = try Peers.both(["sif"] + words)
      #expect((both.ours.code == 0) == (both.theirs.code == 0), "\(words)")
      if both.theirs.code == 0, !(words[0] == "dump" && both.theirs.out.utf8.count > 1 << 20) {
        #expect(both.ours.out == both.theirs.out, "\(words)")
      }
    }
  }

  // MARK: what is not supported says so

  @Test func `an encrypted image is refused by name`() throws {
    let outcome = try Installed.run("exec", Peers.image("encrypted.sif"), "true")
    #expect(outcome.code == 255 && outcome.err.hasPrefix("FATAL:") && outcome.err.contains("encrypted"))
  }

  @Test func `changes in an overlay partition that Apptainer made are shown, and more are added`() throws {
    try Installed.withFolder { folder in
      let image = folder + "/overlaid.sif"
      _ = try Installed.execute(["/bin/cp", Peers.image("overlaid.sif"), image], as: .user)
      let outcome = try Installed.run("exec", image, "cat", "/opt/made")
      #expect(outcome.line == "made", "\(outcome)")
      let written = try Installed.run("exec", "--writable", image, "sh", "-c", "echo ours >/opt/ours")
      #expect(written.code == 0, "\(written)")
      let theirs = try Installed.execute(
        [Installed.folder("APUS_PEERS") + "/apptainer", "exec", image, "cat", "/opt/ours"], as: .user)
      #expect(theirs.line == "ours", "\(theirs)")
    }
  }
}

/// Images that Apus makes, in Apptainer.
@Suite(.enabled(if: Peers.arePresent)) struct ApusImagesInApptainerTests {
  @Test func `an image of an Apptainer sandbox runs and says the same in both`() throws {
    try Installed.withFolder { folder in
      let image = folder + "/ours.sif"
      let built = try Installed.run("build", image, Peers.image("sandbox"))
      #expect(built.code == 0, "\(built.err)")
      for words in [
        ["run", image, "a", "b c"], ["test", image], ["run", "--app", "solver", image], ["run-help", image],
        ["exec", image, "/bin/cat", "/opt/made"],
        ["exec", image, "/bin/stat", "-c", "%u %g %a", "/opt/made", "/"],
        ["inspect", image], ["inspect", "-d", "-r", "-s", "-t", "-e", "-H", image],
        ["inspect", "--list-apps", image],
        ["sif", "list", image], ["sif", "header", image], ["sif", "info", "1", image],
        ["sif", "info", "3", image],
      ] {
        let both = try Peers.both(words)
        #expect(
          both.ours.out == both.theirs.out && both.ours.code == both.theirs.code,
          "\(words) \(both.theirs.err)")
      }
      let environments = try Peers.both(["exec", image, "/bin/env"])
      #expect(Peers.comparable(environments.ours.out) == Peers.comparable(environments.theirs.out))
      let described = try Peers.both(["inspect", "--all", image])
      #expect(try Peers.object(described.ours.out) == Peers.object(described.theirs.out))
    }
  }

  @Test(arguments: [
    ["exec", "tiny.sif", "/bin/id"], ["exec", "tiny.sif", "/bin/sh", "-c", "exit 9"],
    ["run", "scripted.sif"],
    ["run", "scripted.sif", "a b", "c"], ["exec", "debian.sif", "cat", "/etc/os-release"],
    [
      "exec", "debian.sif", "stat", "-c", "%u %g %a %n", "/bin/bash", "/etc/shadow", "/var/mail",
      "/usr/bin/passwd",
    ],
    ["exec", "debian.sif", "sh", "-c", "cd /usr/bin && cat a* b* c* | cksum"], ["inspect", "tiny.sif"],
    ["inspect", "-r", "scripted.sif"],
    ["exec", "tiny.sqfs", "/bin/cat", "/etc/passwd"],
  ])
  func `images of root directories do the same in both`(words: [String]) throws {
    let both = try Peers.both(words.map { $0.contains(".s") && !$0.contains("/") ? Installed.image($0) : $0 })
    #expect(
      both.ours.out == both.theirs.out && both.ours.code == both.theirs.code,
      "\(both.theirs.err) \(both.ours.err)")
  }

  @Test func `an image that Apptainer has signed still runs, and its signature holds`() throws {
    try Installed.withFolder { folder in
      let image = folder + "/ours.sif"
      #expect(try Installed.run("build", image, Peers.image("sandbox")).code == 0)
      let signed = try Peers.apptainer(["sign", "--key", Peers.image("private.pem"), image])
      #expect(signed.code == 0, "\(signed.err)")
      #expect(try Peers.apptainer(["verify", "--key", Peers.image("public.pem"), image]).code == 0)
      #expect(try Installed.run("exec", image, "cat", "/opt/made").line == "made")
      #expect(try Installed.run("sif", "list", image).out.contains("Signature (SHA-256)"))
    }
  }
}
