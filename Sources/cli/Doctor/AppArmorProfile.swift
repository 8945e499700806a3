/// The AppArmor profile that lets a program make user namespaces where the distribution restricts them (Ubuntu 23.10).
public func appArmorProfile(program: String) -> String {
  """
  # Lets apus make user namespaces. Put it into /etc/apparmor.d/apus and load it:
  #   apparmor_parser -r /etc/apparmor.d/apus
  abi <abi/4.0>,
  include <tunables/global>

  profile apus "\(program)" flags=(unconfined) {
    userns,
    include if exists <local/apus>
  }

  """
}
