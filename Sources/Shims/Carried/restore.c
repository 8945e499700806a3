// Loaded before the program that start.c starts: gives the environment back as it was, and the process its name, which
// would be the loader's.
#include "carried.h"

#include <string.h>
#include <sys/prctl.h>

__attribute__((constructor)) static void restore(int count, char **words, char **environment) {
  for (char **entry = environment; *entry != NULL; entry++)
    if (is_for_the_loader(*entry)) **entry = 'L';
  if (count == 0) return;
  const char *slash = strrchr(words[0], '/');
  // 15 bytes of it (PR_SET_NAME(2const)).
  prctl(PR_SET_NAME, slash != NULL ? slash + 1 : words[0]);
}
