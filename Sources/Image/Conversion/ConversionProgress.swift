/// What a conversion tells of how far it is, from several threads.
public enum ConversionEvent: Sendable {
  /// A layer begins: its number, its name, and its stored bytes.
  case layer(Int, name: String, size: Int)
  /// That many of its stored bytes have been read.
  case read(Int, bytes: Int)
  /// It is done; from the cache if nothing had to be read.
  case done(Int, fromCache: Bool)
  /// All layers are there: the image is put together.
  case assembling
}

public typealias ConversionProgress = @Sendable (ConversionEvent) -> Void
