// Two parts of the Swift runtime that a launcher is better without. Both do their work before main, in every start, on
// whatever file system the program lies on; the linker takes these definitions instead of the archive's members.
//
// 1. CommandLine.cpp finds the arguments by reading /proc/self/maps. glibc hands them to constructors.
// 2. Backtrace.cpp looks for a program `swift-backtrace` in eight places around the executable, and would obey
//    variables of the caller's environment in choosing it. The launcher installs no crash handler: a crash is a signal.
//
// Hidden (the whole target is), so that programs which load the runtime as a shared library keep its own.
#include "CLinux.h"

#include <stdbool.h>
#include <stddef.h>

static char **words;
static int word_count;
__attribute__((constructor)) static void remember(int count, char **arguments, char **environment) {
  (void)environment;
  words = arguments;
  word_count = count;
}

char **_swift_stdlib_getUnsafeArgvArgc(int *count);
char **_swift_stdlib_getUnsafeArgvArgc(int *count) {
  *count = word_count;
  return words;
}

void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count);
void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count) {
  words = arguments;
  word_count = count;
}

// swift::runtime::backtrace::BacktraceSettings, all of it "off". Far larger than any version of it.
extern char _swift_backtraceSettings[4096];
__attribute__((aligned(16))) char _swift_backtraceSettings[4096];

bool _swift_backtrace_isThunkFunction(const char *name);
bool _swift_backtrace_isThunkFunction(const char *name) {
  (void)name;
  return false;
}

char *_swift_backtrace_demangle(const char *name, size_t length, char *buffer, size_t *size);
char *_swift_backtrace_demangle(const char *name, size_t length, char *buffer, size_t *size) {
  (void)name, (void)length, (void)buffer, (void)size;
  return NULL;
}

void _swift_displayCrashMessage(int signal, const void *address);
void _swift_displayCrashMessage(int signal, const void *address) { (void)signal, (void)address; }

bool _swift_spawnBacktracer(const void *information, int memory_server);
bool _swift_spawnBacktracer(const void *information, int memory_server) {
  (void)information, (void)memory_server;
  return false;
}
