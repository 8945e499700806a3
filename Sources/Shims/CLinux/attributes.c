#include "CLinux.h"

#include <errno.h>
#include <sys/xattr.h>

long apus_listxattr(const char *path, char *names, size_t size) {
  long result = llistxattr(path, names, size);
  return result < 0 ? -errno : result;
}

long apus_getxattr(const char *path, const char *name, void *value, size_t size) {
  long result = lgetxattr(path, name, value, size);
  return result < 0 ? -errno : result;
}

int apus_setxattr(const char *path, const char *name, const void *value, size_t size) {
  return lsetxattr(path, name, value, size, 0) < 0 ? -errno : 0;
}

int apus_removexattr(const char *path, const char *name) { return lremovexattr(path, name) < 0 ? -errno : 0; }
