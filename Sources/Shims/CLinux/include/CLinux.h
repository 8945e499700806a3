// System calls that Swift cannot name: those without a glibc wrapper, the variadic ones, and clone.
//
// Every function returns a value >= 0, or a negated errno, so that errno never crosses the border between the
// languages. Nothing here allocates, prints or keeps state.
#ifndef APUS_CLINUX_H
#define APUS_CLINUX_H

#include <stddef.h>
#include <stdint.h>

// The mount API by file descriptor (fsopen(2), open_tree(2) and their kin; Linux 5.2, mount_setattr 5.12).
int apus_open_tree(int directory, const char *path, unsigned flags);
int apus_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags);
int apus_fsopen(const char *type, unsigned flags);
int apus_fsconfig_string(int context, const char *key, const char *value);
int apus_fsconfig_flag(int context, const char *key);
int apus_fsconfig_descriptor(int context, const char *key, int value);
int apus_fsconfig_create(int context);
int apus_fsmount(int context, unsigned flags, unsigned attributes);
int apus_mount_setattr(int directory, const char *path, unsigned flags, uint64_t set, uint64_t clear,
                       uint64_t propagation);

// The older interface, and what both share.
int apus_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
int apus_umount(const char *target, int flags);
int apus_pivot_root(const char *new_root, const char *put_old);

// openat2(2), Linux 5.6. `resolve` is a set of RESOLVE_* bits.
int apus_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
// open(2) with a mode, which is variadic in glibc.
int apus_openat(int directory, const char *path, int flags, unsigned mode);

// Namespaces and processes.
int apus_unshare(int flags);
int apus_setns(int descriptor, int type);
// Switches on the loopback device of the caller's network namespace: in a new one it is off (netdevice(7)).
int apus_raise_loopback(void);
int apus_pidfd_open(int pid);
int apus_pidfd_send_signal(int pidfd, int signal);
// The same with a value beside the signal (sigqueue(3)); -ENOSYS without pidfds.
int apus_pidfd_queue_signal(int pidfd, int signal, int value);
int apus_queue_signal(int pid, int signal, int value);
// The value beside a signal that was queued, else 0; of a siginfo_t.
int apus_signal_value(const void *siginfo);
// The process that sent a signal with kill(2), else 0.
int apus_signal_sender(const void *siginfo);
// fork(2). The caller has one thread; the child may run Swift, because no other thread can hold a lock.
int apus_fork(void);
// A child of the caller that shares nothing and is created in new namespaces (clone(2) with SIGCHLD | flags).
int apus_clone_process(int flags);
// Runs `path` in a child and returns its pid once execve(2) has succeeded, or the negated errno it failed with.
// No Swift runs in the child. `descriptors` are dup2'ed to 0, 1, 2 in this order; -1 gives /dev/null.
int apus_spawn(const char *path, char *const argv[], char *const envp[], const int descriptors[3]);
int apus_close_range(unsigned first, unsigned last, unsigned flags);
// prctl(2) with integer arguments.
int apus_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
// seccomp(2), SECCOMP_SET_MODE_FILTER: `program` is struct sock_filter by struct sock_filter.
int apus_set_call_filter(const void *program, size_t bytes, unsigned flags);
// A filter under which TIOCSTI and TIOCLINUX (ioctl_tty(2), ioctl_console(2)) fail with EPERM: both put bytes into the
// input of a terminal, as if they had been typed.
int apus_refuse_typing(void);
// The permitted capabilities of this thread, as bits (capset(2)).
int apus_permitted_capabilities(uint64_t *bits);
// Makes them its permitted and effective ones, and for another user than root its inheritable ones.
int apus_set_capabilities(uint64_t bits);
// A thread of its own with a stack of `stack_bytes`, detached. `run(context)` is its life. All signals are blocked in it.
int apus_thread_start(void (*run)(void *context), void *context, size_t stack_bytes);

// Now in the host's time zone, as "Mmm dd hh:mm:ss".
void apus_syslog_time(char text[16]);

// eventfd(2), close-on-exec, at zero.
int apus_eventfd(void);

// Overwrites what the process was started with (arguments and environment, as ps and /proc/PID/environ show them)
// with `title`, cut to the room there is.
void apus_set_title(const char *title);
// Gives a process that was started by somebody's launch the state of a fresh one: every catchable signal at its default
// and blocked, all allowed CPUs, the normal scheduling class and memory policy.
void apus_reset_process(void);

// ioctl(2), variadic in glibc.
int apus_ioctl_value(int descriptor, unsigned long request, unsigned long value);
int apus_ioctl_pointer(int descriptor, unsigned long request, void *argument);

// A loop device for `backing` at `offset`, read-only unless `writable`, removed with its last user (LO_FLAGS_AUTOCLEAR).
// Returns the open loop device and writes its number; -errno when none can be had.
int apus_loop_attach(int backing, uint64_t offset, uint64_t size, int writable, int *number);

// Unix sockets: one message of bytes with up to 16 file descriptors (unix(7), SCM_RIGHTS).
long apus_send_message(int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count);
// Returns the bytes received. Every descriptor received is close-on-exec. Surplus ones are closed.
long apus_receive_message(int socket, void *bytes, size_t count, int *descriptors, int *descriptor_count);
// Credentials of the peer at connect(2) or socketpair(2).
int apus_peer_credentials(int socket, int *pid, unsigned *uid, unsigned *gid);
// A pidfd of the peer (SO_PEERPIDFD, Linux 6.5), or -ENOPROTOOPT.
int apus_peer_pidfd(int socket);
// bind(2), connect(2) on a path of at most 107 bytes.
int apus_unix_bind(int socket, const char *path);
int apus_unix_connect(int socket, const char *path);
// accept4(2) with SOCK_CLOEXEC; its address argument is a union Swift cannot leave out.
int apus_accept(int socket);

// S_ISREG and friends, device numbers: macros Swift does not import.
unsigned apus_major(uint64_t device);
unsigned apus_minor(uint64_t device);
uint64_t apus_makedev(unsigned major, unsigned minor);

// waitpid's macros.
int apus_exit_code(int status);      // 0..255, or 128 + the signal
int apus_signal_number(int status);  // that ended or stopped it, or 0
int apus_is_stopped(int status);

// Extended attributes of the object itself, links not followed (lgetxattr(2) and its kin).
long apus_listxattr(const char *path, char *names, size_t size);
long apus_getxattr(const char *path, const char *name, void *value, size_t size);
int apus_setxattr(const char *path, const char *name, const void *value, size_t size);
int apus_removexattr(const char *path, const char *name);

// The type of the file system that holds a descriptor (statfs f_type), or -errno.
long apus_filesystem_type(int descriptor);

// Following a program's system calls (ptrace(2)), stop by stop.
struct apus_call {
  int is_entry, is_exit;
  uint64_t number, arguments[6];  // of an entry
  int failure;                    // of an exit: the errno, or 0
};
// The caller's parent follows it from here on.
int apus_trace_me(void);
// Chooses what of a stopped child and of its descendants is followed. Those left when the caller ends go on alone.
int apus_trace_start(int pid);
// Lets a stopped process go on to its next system call or its return, with a signal or 0.
int apus_trace_continue(int pid, int signal);
int apus_trace_call(int pid, struct apus_call *call);
long apus_read_memory(int pid, uint64_t address, void *bytes, size_t count);
// What a call does with a file: 1, or 0 when it has nothing to do with one. `use` is 0 to look, 1 to read, 2 to write, 3 to
// execute; `path` is an address of the process.
int apus_file_call(int pid, const struct apus_call *call, int *use, int *directory, uint64_t *path);
// The signal of a stop and the event behind it (waitpid's macros).
int apus_stop_signal(int status);
int apus_stop_event(int status);

#endif
