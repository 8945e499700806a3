#include "CLinux.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

// The machine, and the one whose programs it runs beside its own, with their numbers of ioctl(2).
#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#define COMPATIBLE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#define COMPATIBLE AUDIT_ARCH_ARM
#else
#error "the machine's number for the audit subsystem is missing here"
#endif
#define COMPATIBLE_IOCTL 54
// Of x86-64 with pointers of 32 bits: the same numbers with this bit.
#define X32_BIT 0x40000000

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)

int apus_refuse_typing(void) {
  static struct sock_filter program[] = {
      /* 0 */ LOAD(arch),
      /* 1 */ EQUAL(NATIVE, 0, 3),
      /* 2 */ LOAD(nr),
      /* 3 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(unsigned)X32_BIT),
      /* 4 */ EQUAL(__NR_ioctl, 3, 7),
      /* 5 */ EQUAL(COMPATIBLE, 0, 6),
      /* 6 */ LOAD(nr),
      /* 7 */ EQUAL(COMPATIBLE_IOCTL, 0, 4),
      // The kernel looks at the lower half of the command (little-endian machines).
      /* 8 */ LOAD(args[1]),
      /* 9 */ EQUAL(TIOCSTI, 1, 0),
      /* 10 */ EQUAL(TIOCLINUX, 0, 1),
      /* 11 */ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      /* 12 */ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
  // Programs are not slowed down for the sake of a filter that guards no secret.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) < 0) return -errno;
  return 0;
}
