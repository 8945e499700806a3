// libexec/apus/apus-image in an archive of `make dist`: starts the program of its own name in lib/ beside it, by the
// loader and with the libraries that lie there (docs/admin/distribution.md). Static, so it runs on any host.
//
// The loader is called by its path. Considered: naming it in the program (PT_INTERP): that needs an absolute path, and
// the archive can be unpacked anywhere.
#include "carried.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int fatal(const char *path, const char *why, const char *remedy) {
  fprintf(stderr, "FATAL:   cannot start %s: %s\n         %s\n", path, why, remedy);
  return 255;
}

int main(int count, char **words) {
  char own[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
  if (length <= 0 || own[0] != '/') return fatal("apus-image", "/proc/self/exe cannot be read", "mount /proc");
  own[length] = 0;
  // A path of the kernel starts with a slash.
  const char *name = strrchr(own, '/') + 1;
  int folder = (int)(name - own);

  char libraries[PATH_MAX + 8], loader[PATH_MAX + 16], program[PATH_MAX + 8], restore[PATH_MAX + 32];
  snprintf(libraries, sizeof libraries, "%.*slib", folder, own);
  snprintf(loader, sizeof loader, "%.*slib/ld.so", folder, own);
  snprintf(program, sizeof program, "%.*slib/%s", folder, own, name);
  snprintf(restore, sizeof restore, "%.*slib/" RESTORE, folder, own);
  // ld.so(8): both separators of a library path, and its variables.
  if (strpbrk(libraries, ":;$") != NULL)
    return fatal(own, "a loader cannot be given a path with : ; or $", "move the folder that holds bin and libexec");

  // Eight words before what the caller said, and the NULL.
  char *arguments[count + 9];
  int filled = 0;
  arguments[filled++] = loader;
  arguments[filled++] = "--library-path";
  arguments[filled++] = libraries;
  arguments[filled++] = "--preload";
  arguments[filled++] = restore;
  arguments[filled++] = "--argv0";
  arguments[filled++] = own;  // what the program takes for its place: /proc/self/exe names the loader now
  arguments[filled++] = program;
  for (int word = 1; word < count; word++) arguments[filled++] = words[word];
  arguments[filled] = NULL;

  for (char **entry = environ; *entry != NULL; entry++)
    if (is_for_the_loader(*entry)) **entry = HIDDEN;
  execve(loader, arguments, environ);
  return fatal(loader, strerror(errno), "the installation is incomplete: unpack the archive anew");
}
