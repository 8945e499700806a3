import Cache
import Testing
