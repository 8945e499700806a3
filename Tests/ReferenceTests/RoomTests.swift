import Reference
import Testing
