// Following a program's system calls (ptrace(2)), for `--diagnose`.
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// linux/ptrace.h, which cannot stand beside sys/ptrace.h. Linux 5.3.
#define GET_SYSCALL_INFO 0x420e
struct syscall_info {
  uint8_t op;
  uint8_t padding[3];
  uint32_t architecture;
  uint64_t instruction, stack;
  union {
    struct {
      uint64_t number, arguments[6];
    } entry;
    struct {
      int64_t value;
      uint8_t is_error;
    } exit;
  };
};

static int result(long value) { return value < 0 ? -errno : (int)value; }

int apus_trace_me(void) { return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }

int apus_trace_start(int pid) {
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                 PTRACE_O_TRACEEXEC;
  return result(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)options));
}

int apus_trace_continue(int pid, int signal) {
  return result(ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal));
}

int apus_trace_call(int pid, struct apus_call *call) {
  struct syscall_info info = {0};
  if (ptrace(GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) < 0) return -errno;
  call->is_entry = info.op == 1;
  call->is_exit = info.op == 2;
  if (call->is_entry) {
    call->number = info.entry.number;
    for (int index = 0; index < 6; index++) call->arguments[index] = info.entry.arguments[index];
  } else if (call->is_exit) {
    call->failure = info.exit.is_error && info.exit.value < 0 ? (int)-info.exit.value : 0;
  }
  return 0;
}

long apus_read_memory(int pid, uint64_t address, void *bytes, size_t count) {
  struct iovec here = {bytes, count}, there = {(void *)(uintptr_t)address, count};
  long got = process_vm_readv(pid, &here, 1, &there, 1, 0);
  return got < 0 ? -errno : got;
}

int apus_stop_signal(int status) { return WIFSTOPPED(status) ? WSTOPSIG(status) : 0; }
int apus_stop_event(int status) { return status >> 16; }

enum { LOOK, READ, WRITE, EXECUTE };

static int use_of_flags(uint64_t flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) ? WRITE : READ;
}

int apus_file_call(int pid, const struct apus_call *call, int *use, int *directory, uint64_t *path) {
  const uint64_t *a = call->arguments;
  *directory = AT_FDCWD;
  switch (call->number) {
    case SYS_openat: *directory = (int)a[0], *path = a[1], *use = use_of_flags(a[2]); return 1;
    case SYS_openat2: {
      struct open_how how = {0};
      *directory = (int)a[0], *path = a[1];
      apus_read_memory(pid, a[2], &how, sizeof how);
      *use = use_of_flags(how.flags);
      return 1;
    }
    case SYS_execve: *path = a[0], *use = EXECUTE; return 1;
    case SYS_execveat: *directory = (int)a[0], *path = a[1], *use = EXECUTE; return 1;
    case SYS_newfstatat:
    case SYS_statx:
    case SYS_faccessat:
    case SYS_faccessat2: *directory = (int)a[0], *path = a[1], *use = LOOK; return 1;
    case SYS_chdir: *path = a[0], *use = LOOK; return 1;
    case SYS_mkdirat:
    case SYS_mknodat:
    case SYS_unlinkat:
    case SYS_renameat2:
    case SYS_fchmodat:
    case SYS_fchownat:
    case SYS_utimensat: *directory = (int)a[0], *path = a[1], *use = WRITE; return 1;
    case SYS_symlinkat: *directory = (int)a[1], *path = a[2], *use = WRITE; return 1;
    case SYS_linkat: *directory = (int)a[2], *path = a[3], *use = WRITE; return 1;
    case SYS_truncate: *path = a[0], *use = WRITE; return 1;
    // Calls that newer architectures do not have.
#ifdef SYS_open
    case SYS_open: *path = a[0], *use = use_of_flags(a[1]); return 1;
    case SYS_creat:
    case SYS_mkdir:
    case SYS_mknod:
    case SYS_rmdir:
    case SYS_unlink:
    case SYS_rename:
    case SYS_chmod:
    case SYS_chown:
    case SYS_lchown: *path = a[0], *use = WRITE; return 1;
    case SYS_symlink:
    case SYS_link: *path = a[1], *use = WRITE; return 1;
    case SYS_stat:
    case SYS_lstat:
    case SYS_access: *path = a[0], *use = LOOK; return 1;
#endif
#ifdef SYS_renameat
    case SYS_renameat: *directory = (int)a[0], *path = a[1], *use = WRITE; return 1;
#endif
    default: return 0;
  }
}
