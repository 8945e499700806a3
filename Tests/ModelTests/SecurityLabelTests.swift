import Model
import Testing

@Suite struct SecurityLabelTests {
  @Test(
    arguments: [
      (.appArmor, "one", "one (enforce)\n", true), (.appArmor, "one", "one (complain)\n", true),
      (.appArmor, "unconfined", "unconfined\n", true), (.appArmor, "one", "one-more (enforce)\n", false),
      (.appArmor, "one", "other (enforce)\n", false), (.appArmor, "one", "", false),
      (.seLinux, "u:r:t:s0", "u:r:t:s0\0", true), (.seLinux, "u:r:t:s0", "u:r:t:s0:c1\0", false),
      (.seLinux, "u:r:t:s0", "u:r:t:s0 (enforce)", false),
    ] as [(SecurityLabel.Module, String, String, Bool)])
  func `a module that says something else has not understood the label`(
    module: SecurityLabel.Module, text: String, kept: String, isMeant: Bool
  ) {
    #expect(SecurityLabel(module, text).isMeant(by: kept) == isMeant)
  }
}
