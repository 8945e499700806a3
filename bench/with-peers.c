// Runs a program of the peers' Debian root on this host: `scripts/peers` installs it under the names of those programs.
//
//   build/peers/bin/apptainer WORDS...        runs /usr/bin/apptainer of build/peers/root
//
// In a mount namespace of its own the peers' /usr, /etc and /var/lib are laid over the host's; of the host's /etc stay
// the files that say who is who and where names are looked up. Everything else (home, /tmp, /work, devices, processes)
// is the host's, at its own path. An ordinary user gets a user namespace with only themself in it, so set-user-id
// programs do not work there: that is how the peers run on a cluster without a set-user-id installation.
//
// Considered: chroot. A process in a changed root may not make user namespaces, and the peers need to.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static void fail(const char *what, const char *path) {
  fprintf(stderr, "with-peers: %s %s: %s\n", what, path, strerror(errno));
  exit(255);
}

static void write_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY);
  if (file < 0 || write(file, text, strlen(text)) < 0) fail("cannot write", path);
  close(file);
}

// Lays `root``path` over `path` of the host.
static void lay(const char *root, const char *path) {
  char source[PATH_MAX];
  snprintf(source, sizeof source, "%s%s", root, path);
  if (mount(source, path, NULL, MS_BIND | MS_REC, NULL) != 0) fail("cannot bind over", path);
}

// The words of PATH without the folder that this program is in: inside, the peers call the programs themselves.
static void leave_out_of_path(const char *folder) {
  const char *path = getenv("PATH");
  if (path == NULL) return;
  char *words = strdup(path), *kept = calloc(1, strlen(path) + 1), *next = words, *word;
  while ((word = strsep(&next, ":")) != NULL) {
    if (strcmp(word, folder) == 0) continue;
    if (*kept != 0) strcat(kept, ":");
    strcat(kept, word);
  }
  setenv("PATH", kept, 1);
  free(words);
  free(kept);
}

int main(int count, char **words) {
  char folder[PATH_MAX], root[PATH_MAX + 16], where[PATH_MAX], program[PATH_MAX];
  if (count < 1) return 255;
  ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
  if (length < 0) fail("cannot read", "/proc/self/exe");
  folder[length] = 0;
  dirname(folder);
  snprintf(root, sizeof root, "%s/../root", folder);
  if (getcwd(where, sizeof where) == NULL) strcpy(where, "/");

  uid_t user = geteuid();
  gid_t group = getegid();
  if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) fail("cannot unshare", "namespaces");
  if (user != 0) {
    char map[64];
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", user, user);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", group, group);
    write_file("/proc/self/gid_map", map);
  }
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) fail("cannot change propagation of", "/");

  // The host's own files, held open: their paths are hidden once the peers' /etc lies over them.
  // Ranges of subordinate ids are of use to root alone: newuidmap cannot work in an ordinary user's namespace.
  static const char *const kept[] = {"/etc/subuid",      "/etc/subgid",   "/etc/passwd", "/etc/group", "/etc/hosts",
                                     "/etc/resolv.conf", "/etc/hostname", NULL};
  int first = user == 0 ? 0 : 2;
  int files[sizeof kept / sizeof *kept];
  for (int i = first; kept[i] != NULL; i++) files[i] = open(kept[i], O_PATH | O_CLOEXEC);
  lay(root, "/etc");
  for (int i = first; kept[i] != NULL; i++) {
    char source[64];
    if (files[i] < 0) continue;
    snprintf(source, sizeof source, "/proc/self/fd/%d", files[i]);
    if (mount(source, kept[i], NULL, MS_BIND, NULL) != 0) fail("cannot keep", kept[i]);
    close(files[i]);
  }
  lay(root, "/var/lib");
  leave_out_of_path(folder);
  lay(root, "/usr");
  if (chdir(where) != 0) fail("cannot return to", where);
  // Stays open in the program: it would otherwise leave this namespace empty when it moves to one of its own, and the
  // kernel would then show the path of its executable without /usr, by which Apptainer finds its other files.
  if (open("/proc/self/ns/mnt", O_RDONLY) < 0) fail("cannot open", "/proc/self/ns/mnt");
  snprintf(program, sizeof program, "/usr/bin/%s", basename(words[0]));
  execv(program, words);
  fail("cannot execute", program);
}
