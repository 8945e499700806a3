// Libraries of the host that a variable names belong to the host's glibc: the loader we carry must not obey it. The
// caller's programs below apus-image want it as it was, so it is hidden from the loader alone: the first letter changes
// and changes back once the loader is done. (LD_LIBRARY_PATH needs nothing: --library-path takes its place.)
#pragma once

#include <string.h>

// The name of what changes it back, beside the libraries.
#define RESTORE "restore.so"
#define HIDDEN '*'

// Whether an entry of the environment, hidden or not, makes a loader load something.
static inline int is_for_the_loader(const char *entry) {
  return (entry[0] == 'L' || entry[0] == HIDDEN) &&
         (strncmp(entry + 1, "D_PRELOAD=", 10) == 0 || strncmp(entry + 1, "D_AUDIT=", 8) == 0);
}
