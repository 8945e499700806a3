import Segments
import Testing
