import PluginStamp
import Testing

@Suite struct SlurmVersionTests {
  @Test(arguments: [
    ("22.05.8", 0x160508), ("26.05.0-rc1", 0x1A0500), ("23.11", 0x170B00), ("0.0.0", 0),
  ])
  func `a version is a number of three bytes`(text: String, number: UInt32) {
    #expect(SlurmVersion(text)?.number == number)
  }

  @Test(arguments: [
    "", "22", "22.05.8.1", "a.b.c", "256.1.1", "22.-5.8", "22..8", "+22.05.8", "99999999999999999999.1",
  ])
  func `refuses what is no version`(text: String) { #expect(SlurmVersion(text) == nil) }

  @Test(arguments: [
    ("slurm-wlm 22.05.8\n", "22.05.8"), ("slurm 24.11.0-0rc1\n", "24.11.0"),
    ("srun: error: something 1\nslurm 25.05.3\n", "25.05.3"), ("", nil),
  ])
  func `the version is found in what a program says`(said: String, text: String?) {
    #expect(SlurmVersion(said: said)?.text == text)
  }

  @Test func `a plugin is loaded by releases of its own two first numbers`() throws {
    let version = try #require(SlurmVersion("22.05.8"))
    #expect(version.loads(try #require(SlurmVersion("22.05.2"))))
    #expect(!version.loads(try #require(SlurmVersion("22.6.8"))))
    #expect(!version.loads(try #require(SlurmVersion("23.05.8"))))
  }
}
