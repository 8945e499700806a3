// Runs a program under a seccomp filter that answers ENOSYS to the system calls which a RHEL 8 kernel (4.18) lacks, so
// that every fall-back is walked on any kernel.
//
//   old-kernel PROGRAM [ARGUMENT...]
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REFUSE(call)                                                                                                 \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                                                             \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS)

int main(int count, char **words) {
  if (count < 2) return 1;
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      REFUSE(openat2),
      REFUSE(fsopen),
      REFUSE(fsmount),
      REFUSE(move_mount),
      REFUSE(open_tree),
      REFUSE(mount_setattr),
      REFUSE(pidfd_open),
      REFUSE(close_range),
      REFUSE(clone3),
      REFUSE(statx),
      // getsockopt(SO_PEERPIDFD), Linux 6.5: with it a server could watch its clients all the same.
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getsockopt, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 77, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
    perror("old-kernel");
    return 255;
  }
  execvp(words[1], words + 1);
  perror(words[1]);
  return 127;
}
