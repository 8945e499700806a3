#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESULT(call)                                                                                                 \
  do {                                                                                                               \
    long result_ = (long)(call);                                                                                     \
    return result_ < 0 ? -errno : (int)result_;                                                                      \
  } while (0)

int apus_unshare(int flags) { RESULT(unshare(flags)); }
int apus_setns(int descriptor, int type) { RESULT(setns(descriptor, type)); }
int apus_pidfd_open(int pid) { RESULT(syscall(SYS_pidfd_open, pid, 0)); }
int apus_pidfd_send_signal(int pidfd, int signal) { RESULT(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0)); }

static siginfo_t queued(int signal, int value) {
  siginfo_t information;
  memset(&information, 0, sizeof information);
  information.si_signo = signal;
  information.si_code = SI_QUEUE;
  information.si_pid = getpid();
  information.si_uid = getuid();
  information.si_value.sival_int = value;
  return information;
}

int apus_pidfd_queue_signal(int pidfd, int signal, int value) {
  siginfo_t information = queued(signal, value);
  RESULT(syscall(SYS_pidfd_send_signal, pidfd, signal, &information, 0));
}

int apus_queue_signal(int pid, int signal, int value) {
  siginfo_t information = queued(signal, value);
  RESULT(syscall(SYS_rt_sigqueueinfo, pid, signal, &information));
}

int apus_signal_value(const void *siginfo) {
  const siginfo_t *information = siginfo;
  return information->si_code == SI_QUEUE ? information->si_value.sival_int : 0;
}

int apus_signal_sender(const void *siginfo) {
  const siginfo_t *information = siginfo;
  return information->si_code == SI_USER ? information->si_pid : 0;
}

int apus_eventfd(void) { RESULT(eventfd(0, EFD_CLOEXEC)); }

// Swift's runtime locks by futexes that hold the number of the thread, which each thread asks the kernel for once
// (swift, include/swift/Threading/Impl/Linux/ulock.h). A child begins with the number of its parent's thread: as soon as
// two of its threads want one lock the kernel refuses both for good, and both try for ever.
#ifdef APUS_STATIC_RUNTIME
extern __thread int runtime_thread __asm__("_ZZN5swift14threading_impl5linux13ulock_get_tidEvE3tid");
static void forget_thread(void) { runtime_thread = 0; }
#else
// Out of reach in a shared library; what is tested so has no threads after a fork.
static void forget_thread(void) {}
#endif

int apus_fork(void) {
  int child = fork();
  if (child < 0) return -errno;
  if (child == 0) forget_thread();
  return child;
}

int apus_raise_loopback(void) {
  int plug = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (plug < 0) return -errno;
  struct ifreq request = {.ifr_name = "lo"};
  int result = ioctl(plug, SIOCGIFFLAGS, &request) < 0 ? -errno : 0;
  if (result == 0) {
    request.ifr_flags |= IFF_UP;
    if (ioctl(plug, SIOCSIFFLAGS, &request) < 0) result = -errno;
  }
  close(plug);
  return result;
}

int apus_clone_process(int flags) {
  // The raw call with no stack behaves as fork: the child goes on here with a copy of everything.
  // glibc's fork handlers do not run; the caller has one thread, so no lock can be held.
  long child = syscall(SYS_clone, (unsigned long)flags | SIGCHLD, 0, 0, 0, 0);
  if (child < 0) return -errno;
  if (child == 0) forget_thread();
  return (int)child;
}

int apus_close_range(unsigned first, unsigned last, unsigned flags) {
  RESULT(syscall(SYS_close_range, first, last, flags));
}

int apus_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  RESULT(prctl(option, a, b, c, d));
}

int apus_set_call_filter(const void *program, size_t bytes, unsigned flags) {
  struct sock_fprog filter = {.len = (unsigned short)(bytes / sizeof(struct sock_filter)),
                              .filter = (struct sock_filter *)program};
  RESULT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter));
}

int apus_permitted_capabilities(uint64_t *bits) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{0}};
  if (syscall(SYS_capget, &header, data) < 0) return -errno;
  *bits = data[0].permitted | (uint64_t)data[1].permitted << 32;
  return 0;
}

int apus_set_capabilities(uint64_t bits) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  for (int half = 0; half < 2; half++) {
    data[half].permitted = data[half].effective = (uint32_t)(bits >> (32 * half));
    // What is ambient has to be inheritable. Root needs neither, and programs would see more than is usual.
    data[half].inheritable = geteuid() == 0 ? 0 : data[half].permitted;
  }
  RESULT(syscall(SYS_capset, &header, data));
}

// The one thing remembered here: where the kernel put the arguments. glibc hands them to constructors.
static char **arguments;
static int argument_count;
__attribute__((constructor)) static void remember_arguments(int count, char **words, char **environment) {
  (void)environment;
  arguments = words;
  argument_count = count;
}

void apus_set_title(const char *title) {
  if (!arguments || argument_count < 1 || !arguments[0]) return;
  // The kernel lays arguments and environment out one after another: go on for as long as that holds.
  char *start = arguments[0], *end = start;
  for (int index = 0; index < argument_count && arguments[index] == end; index++) end += strlen(end) + 1;
  for (char **variable = arguments + argument_count + 1; *variable && *variable == end; variable++)
    end += strlen(end) + 1;
  memset(start, 0, (size_t)(end - start));
  strncpy(start, title, (size_t)(end - start) - 1);
}

void apus_reset_process(void) {
  for (int signal = 1; signal < NSIG; signal++) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal, &action, NULL);
  }
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  cpu_set_t everywhere;
  memset(&everywhere, 0xFF, sizeof everywhere);
  sched_setaffinity(0, sizeof everywhere, &everywhere);
  struct sched_param normal = {0};
  sched_setscheduler(0, SCHED_OTHER, &normal);
  syscall(SYS_set_mempolicy, 0, NULL, 0);
}

struct spawn {
  const char *path;
  char *const *argv;
  char *const *envp;
  const int *descriptors;
  const sigset_t *mask;
  volatile int error;
};

// Runs in the child, on its own stack, sharing the memory of the parent, which is suspended until execve.
static int spawn_child(void *argument) {
  struct spawn *spawn = argument;
  for (int signal = 1; signal < NSIG; signal++) {
    struct sigaction action;
    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL) {
      action.sa_handler = SIG_DFL;
      action.sa_flags = 0;
      sigaction(signal, &action, NULL);
    }
  }
  sigprocmask(SIG_SETMASK, spawn->mask, NULL);
  for (int target = 0; target < 3; target++) {
    int source = spawn->descriptors[target];
    if (source < 0) source = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (source < 0) continue;
    if (source == target) {
      fcntl(source, F_SETFD, 0);
    } else {
      dup2(source, target);
    }
  }
  execve(spawn->path, spawn->argv, spawn->envp);
  spawn->error = errno;
  _exit(127);
}

int apus_spawn(const char *path, char *const argv[], char *const envp[], const int descriptors[3]) {
  sigset_t all, old;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &old);
  // Not on this thread's own stack, which may be small, and not for ever: a program starts few others.
  enum { STACK = 65536 };
  char *stack = aligned_alloc(16, STACK);
  struct spawn spawn = {path, argv, envp, descriptors, &old, 0};
  int pid = stack ? clone(spawn_child, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, &spawn) : -1;
  int failed = pid < 0 ? errno : spawn.error;
  free(stack);
  sigprocmask(SIG_SETMASK, &old, NULL);
  if (pid >= 0 && failed) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  }
  return failed ? -failed : pid;
}

struct thread_start {
  void (*run)(void *);
  void *context;
};

static void *thread_main(void *argument) {
  struct thread_start start = *(struct thread_start *)argument;
  free(argument);
  start.run(start.context);
  return NULL;
}

int apus_thread_start(void (*run)(void *context), void *context, size_t stack_bytes) {
  struct thread_start *start = malloc(sizeof *start);
  if (!start) return -ENOMEM;
  start->run = run;
  start->context = context;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);  // inherited by the thread
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, thread_main, start);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attributes);
  if (error) free(start);
  return -error;
}

int apus_exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int apus_signal_number(int status) {
  return WIFSIGNALED(status) ? WTERMSIG(status) : WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

int apus_is_stopped(int status) { return WIFSTOPPED(status); }
