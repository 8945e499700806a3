/// A processor architecture, under the names its three worlds give it.
public enum Architecture: String, CaseIterable, Sendable {
  case i386 = "386"
  case amd64, arm, arm64, ppc64, ppc64le, mips, mipsle, mips64, mips64le, s390x, riscv64, loong64

  /// The two digits in a SIF header and in the extra part of a partition's descriptor
  /// (sylabs/sif, `pkg/sif/arch.go`).
  public var sifCode: String {
    let position = Architecture.allCases.firstIndex(of: self).map { $0 + 1 } ?? 0
    return position < 10 ? "0\(position)" : "\(position)"
  }

  public init?(sifCode: String) {
    guard let found = Architecture.allCases.first(where: { $0.sifCode == sifCode }) else { return nil }
    self = found
  }

  /// The architecture this program was compiled for.
  public static var host: Architecture {
    #if arch(x86_64)
      .amd64
    #elseif arch(arm64)
      .arm64
    #elseif arch(powerpc64le)
      .ppc64le
    #elseif arch(s390x)
      .s390x
    #elseif arch(riscv64)
      .riscv64
    #elseif arch(i386)
      .i386
    #else
      #error("name this architecture")
    #endif
  }

  /// Architectures whose programs the processor of this one runs without emulation.
  public var runsNatively: [Architecture] {
    self == .amd64 ? [.amd64, .i386] : [self]
  }
}
