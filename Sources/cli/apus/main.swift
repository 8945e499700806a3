internal import Glibc
internal import Settings

// Every command starts here. Nothing below may start a thread: launches enter namespaces.
exit(run(inheritedArguments(), Variables(inheritedEnvironment())))
