internal import Glibc
internal import Linux
internal import Settings

// Every command starts here. Nothing below may start a thread: launches enter namespaces.
StandardStreams.reserveNumbers()
Process.expectChildren()
exit(run(Inheritance.arguments, Variables(Inheritance.environment)))
