// The yardstick of the start benchmarks: the least a launcher without privileges can do to run a program in another
// root directory. A user and a mount namespace, one bind of the root made read-only, /proc, /dev and /sys bound in,
// a tmpfs on /tmp, pivot_root, exec. No argument parsing, no checks of content, no settings.
//
//   bare-launcher ROOT PROGRAM [ARGUMENT...]
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static void must(long result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(255);
  }
}

static void map(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  must(file, path);
  must(write(file, text, strlen(text)), path);
  close(file);
}

int main(int count, char **words) {
  if (count < 3) {
    fprintf(stderr, "usage: bare-launcher ROOT PROGRAM [ARGUMENT...]\n");
    return 1;
  }
  const char *root = words[1];
  char text[64], path[4096];
  uid_t uid = getuid();
  gid_t gid = getgid();
  must(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
  map("/proc/self/setgroups", "deny");
  snprintf(text, sizeof text, "%u %u 1\n", uid, uid);
  map("/proc/self/uid_map", text);
  snprintf(text, sizeof text, "%u %u 1\n", gid, gid);
  map("/proc/self/gid_map", text);
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
  must(mount(root, root, NULL, MS_BIND | MS_REC, NULL), "bind root");
  must(mount(NULL, root, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL), "read-only");
  const char *kernel[] = {"proc", "dev", "sys"};
  for (int index = 0; index < 3; index++) {
    char source[16];
    snprintf(source, sizeof source, "/%s", kernel[index]);
    snprintf(path, sizeof path, "%s/%s", root, kernel[index]);
    must(mount(source, path, NULL, MS_BIND | MS_REC, NULL), path);
  }
  snprintf(path, sizeof path, "%s/tmp", root);
  must(mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, NULL), path);
  must(chdir(root), root);
  must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH), "umount");
  must(chdir("/"), "/");
  execv(words[2], words + 2);
  perror(words[2]);
  return 255;
}
