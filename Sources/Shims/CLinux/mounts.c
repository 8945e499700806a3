#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define RESULT(call)                                                                                                 \
  do {                                                                                                               \
    long result_ = (long)(call);                                                                                     \
    return result_ < 0 ? -errno : (int)result_;                                                                      \
  } while (0)

// linux/mount.h and sys/mount.h of glibc 2.36 clash, so the four numbers of fsconfig(2) stand here.
enum { SET_FLAG = 0, SET_STRING = 1, SET_FD = 5, CMD_CREATE = 6 };

struct attributes {
  uint64_t set, clear, propagation, user_namespace;
};

struct how {
  uint64_t flags, mode, resolve;
};

int apus_open_tree(int directory, const char *path, unsigned flags) {
  RESULT(syscall(SYS_open_tree, directory, path, flags));
}
int apus_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags) {
  RESULT(syscall(SYS_move_mount, from, from_path, to, to_path, flags));
}
int apus_fsopen(const char *type, unsigned flags) { RESULT(syscall(SYS_fsopen, type, flags)); }
int apus_fsconfig_string(int context, const char *key, const char *value) {
  RESULT(syscall(SYS_fsconfig, context, SET_STRING, key, value, 0));
}
int apus_fsconfig_flag(int context, const char *key) {
  RESULT(syscall(SYS_fsconfig, context, SET_FLAG, key, NULL, 0));
}
int apus_fsconfig_descriptor(int context, const char *key, int value) {
  RESULT(syscall(SYS_fsconfig, context, SET_FD, key, NULL, value));
}
int apus_fsconfig_create(int context) { RESULT(syscall(SYS_fsconfig, context, CMD_CREATE, NULL, NULL, 0)); }
int apus_fsmount(int context, unsigned flags, unsigned attributes) {
  RESULT(syscall(SYS_fsmount, context, flags, attributes));
}
int apus_mount_setattr(int directory, const char *path, unsigned flags, uint64_t set, uint64_t clear,
                       uint64_t propagation) {
  struct attributes attributes = {set, clear, propagation, 0};
  RESULT(syscall(SYS_mount_setattr, directory, path, flags, &attributes, sizeof attributes));
}

int apus_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
  RESULT(mount(source, target, type, flags, data));
}
int apus_umount(const char *target, int flags) { RESULT(umount2(target, flags)); }
int apus_pivot_root(const char *new_root, const char *put_old) {
  RESULT(syscall(SYS_pivot_root, new_root, put_old));
}

int apus_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct how how = {flags, mode, resolve};
  RESULT(syscall(SYS_openat2, directory, path, &how, sizeof how));
}
int apus_openat(int directory, const char *path, int flags, unsigned mode) {
  RESULT(openat(directory, path, flags, mode));
}

int apus_ioctl_value(int descriptor, unsigned long request, unsigned long value) {
  RESULT(ioctl(descriptor, request, value));
}
int apus_ioctl_pointer(int descriptor, unsigned long request, void *argument) {
  RESULT(ioctl(descriptor, request, argument));
}

int apus_loop_attach(int backing, uint64_t offset, uint64_t size, int writable, int *number) {
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -errno;
  int result = -EBUSY;
  // Another process may take the free device between the two calls: then the next one is asked for.
  for (int attempt = 0; attempt < 64 && result == -EBUSY; attempt++) {
    int free_number = ioctl(control, LOOP_CTL_GET_FREE);
    if (free_number < 0) {
      result = -errno;
      break;
    }
    char path[32];
    snprintf(path, sizeof path, "/dev/loop%d", free_number);
    int device = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (device < 0) {
      result = -errno;
      break;
    }
    struct loop_config config;
    memset(&config, 0, sizeof config);
    config.fd = (uint32_t)backing;
    config.info.lo_offset = offset;
    config.info.lo_sizelimit = size;
    config.info.lo_flags = (writable ? 0 : LO_FLAGS_READ_ONLY) | LO_FLAGS_AUTOCLEAR;
    if (ioctl(device, LOOP_CONFIGURE, &config) == 0) {
      *number = free_number;
      result = device;
    } else {
      result = -errno;
      close(device);
    }
  }
  close(control);
  return result;
}

unsigned apus_major(uint64_t device) { return major(device); }
unsigned apus_minor(uint64_t device) { return minor(device); }
uint64_t apus_makedev(unsigned major_, unsigned minor_) { return makedev(major_, minor_); }

long apus_filesystem_type(int descriptor) {
  struct statfs facts;
  if (fstatfs(descriptor, &facts) < 0) return -errno;
  return (long)facts.f_type;
}
