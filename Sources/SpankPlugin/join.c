// The tasks of a step on one node share one container. The first task starts the helper that makes it; every task then
// asks the helper for the namespaces and enters them.
//
// What they share is made in slurmstepd before it forks them: a socket pair (tasks have one end, the helper the other)
// and a small file in memory, the page, whose lock decides who is first. The lock is one of fcntl(2), which goes with
// the process that holds it, so that a task killed at any moment holds up nobody.
//
// The helper stays a child of the first task while it works, so that what ends the step ends it too. When the
// container stands it forks the answerer, which serves the tasks, writes its pid into the page, and exits with 0.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin.h"

// The page. `answerer` is written by the helper at its offset.
struct page {
    int32_t helper;    // pid of the helper; 0: nobody has started it
    int32_t answerer;  // pid of the answerer; 0: the container does not stand yet
    int32_t told;      // the user has been told why there is no container
    int32_t ending;    // a task is ending the step
};

static int page = -1;
static int task_end = -1;    // of the socket pair
static int helper_end = -1;
static bool has_container;
static bool serves_native;   // Slurm's own --container is ours
static char reason[128];     // why this step has no page or socket

bool apus_step_has_container(void) { return has_container; }

void apus_prepare_step(bool native) {
    int ends[2];
    has_container = true;
    serves_native = native;
    page = memfd_create("apus-step", MFD_CLOEXEC);
    if (page < 0 || ftruncate(page, sizeof(struct page)) != 0) {
        snprintf(reason, sizeof reason, "no file in memory: %s", strerror(errno));
        return;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        snprintf(reason, sizeof reason, "no socket: %s", strerror(errno));
        return;
    }
    task_end = ends[0];
    helper_end = ends[1];
}

void apus_all_forked(void) {
    if (helper_end >= 0) close(helper_end);
    helper_end = -1;
}

// Waits for a program to end; says nothing.
static void run(const char *program, char *const *words, char *const *environment) {
    pid_t child = fork();
    if (child == 0) {
        execve(program, words, environment);
        _exit(APUS_FAILED);
    }
    if (child > 0) apus_wait_helper(child);
}

// One node without a container ends the step, instead of leaving the tasks of others to wait for it. With Slurm's own
// command. Considered: --kill-on-bad-exit, switched on by the plugin; it would end steps, too, whose programs return
// another code than 0.
static void end_step(char *const *environment) {
    const char *job = apus_variable(environment, "SLURM_JOB_ID");
    const char *number = apus_variable(environment, "SLURM_STEP_ID");
    const char *nodes = apus_variable(environment, "SLURM_NNODES");
    if (!job || !number || !nodes || strcmp(nodes, "1") == 0) return;
    if (apus_site_is_off("kill_on_fail")) return;
    char program[4096], step[64];
    const char *path = apus_variable(environment, "PATH");
    char folders[8192];
    snprintf(folders, sizeof folders, "%s:/usr/bin:/usr/local/bin:/opt/slurm/bin", path ? path : "");
    snprintf(step, sizeof step, "%s.%s", job, number);
    char *rest = folders, *folder;
    program[0] = 0;
    while ((folder = strsep(&rest, ":"))) {
        int length = snprintf(program, sizeof program, "%s/scancel", folder);
        if (*folder == '/' && length > 0 && (size_t)length < sizeof program && access(program, X_OK) == 0) break;
        program[0] = 0;
    }
    if (!program[0]) return;
    // The step's signals are for the others.
    signal(SIGTERM, SIG_IGN);
    char *const softly[] = {program, "--quiet", "--signal=TERM", step, NULL};
    char *const hard[] = {program, "--quiet", step, NULL};
    // Slurm sends no SIGTERM to a task that has yet to become its program: others get time for that.
    usleep(200000);
    run(program, softly, environment);
    usleep(800000);
    run(program, hard, environment);
}

// Ends a task. The first one of a node tells the user why, and ends the step on the other nodes.
static void fail(const char *node, const char *why, char *const *environment) {
    struct page shared = {0};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (page >= 0) {
        while (fcntl(page, F_SETLKW, &lock) != 0 && errno == EINTR) continue;
        if (pread(page, &shared, sizeof shared, 0) != sizeof shared) memset(&shared, 0, sizeof shared);
    }
    bool is_first = !shared.ending;
    if (!shared.told && why) {
        char text[512];
        int length = snprintf(text, sizeof text, "FATAL:   %s: no container for this step: %s\n", node, why);
        if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0) _exit(APUS_FAILED);
    }
    shared.told = shared.ending = 1;
    if (page >= 0 && pwrite(page, &shared, sizeof shared, 0) < 0) _exit(APUS_FAILED);
    lock.l_type = F_UNLCK;
    if (page >= 0) fcntl(page, F_SETLK, &lock);
    if (is_first) end_step(environment);
    _exit(APUS_FAILED);
}

static pid_t start(spank_t spank, char *const *environment, const char *node) {
    struct words words = {0};
    apus_begin_helper(&words, "start");
    apus_append_options(&words);
    apus_append(&words, "--node");
    apus_append(&words, "%s", node);
    const struct { const char *name; spank_item_t item; } counts[] = {
        {"--tasks", S_JOB_LOCAL_TASK_COUNT}, {"--nodes", S_JOB_NNODES}, {"--nodeid", S_JOB_NODEID},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        apus_append(&words, "%s", counts[i].name);
        apus_append(&words, "%u", apus_number(spank, counts[i].item));
    }
    if (apus_number(spank, S_JOB_STEPID) == APUS_BATCH_STEP) {
        int argument_count = 0;
        char **arguments = NULL;
        apus_append(&words, "--batch");
        // The batch script lies in slurmd's own folder.
        if (spank_get_item(spank, S_JOB_ARGV, &argument_count, &arguments) == 0 && argument_count > 0) {
            apus_append(&words, "%s", arguments[0]);
        } else {
            apus_append(&words, "%s", "");
        }
    }
    apus_append(&words, "--native");
    apus_append(&words, "%d", serves_native);
    apus_append(&words, "--protocol");
    apus_append(&words, "%d", APUS_PROTOCOL);
    apus_append(&words, "--fd");
    apus_append(&words, "%d", helper_end);
    apus_append(&words, "--page");
    apus_append(&words, "%d", page);
    struct helper_state state = {.kept = {helper_end, page}};
    pid_t helper = apus_start_helper(&words, environment, &state);
    apus_free_words(&words);
    return helper;
}

// Under the lock: the first task starts the helper. Returns its pid, negative: it is a child of this task.
static pid_t find_helper(spank_t spank, char *const *environment, const char *node) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct page shared;
    pid_t helper = 0;
    while (fcntl(page, F_SETLKW, &lock) != 0) {
        if (errno != EINTR) fail(node, "the tasks' lock cannot be taken", environment);
    }
    if (pread(page, &shared, sizeof shared, 0) != sizeof shared) fail(node, "the tasks' file cannot be read", environment);
    if (shared.helper == 0) {
        helper = start(spank, environment, node);
        if (helper < 0) fail(node, strerror(-helper), environment);
        shared.helper = helper;
        if (pwrite(page, &shared, sizeof shared, 0) < 0) fail(node, "the tasks' file cannot be written", environment);
        helper = -helper;
    } else {
        helper = shared.helper;
    }
    lock.l_type = F_UNLCK;
    fcntl(page, F_SETLK, &lock);
    close(helper_end);
    helper_end = -1;
    return helper;
}

static struct page look(void) {
    struct page shared = {0};
    if (pread(page, &shared, sizeof shared, 0) != sizeof shared) memset(&shared, 0, sizeof shared);
    return shared;
}

static bool is_alive(pid_t pid) { return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM); }

// Waits for an answer; other tasks wait on the same socket and any answer is as good as another. Returns its bytes, or
// -1 when the process that answers is gone: siblings hold this end open, so the socket itself would never tell.
static ssize_t receive(struct msghdr *message) {
    bool has_ended = false;
    for (;;) {
        struct page shared = look();
        pid_t awaited = shared.answerer ? shared.answerer : shared.helper;
        int process = (int)syscall(SYS_pidfd_open, awaited, 0);
        struct pollfd waiting[2] = {{.fd = task_end, .events = POLLIN}, {.fd = process, .events = POLLIN}};
        int ready = poll(waiting, process >= 0 ? 2 : 1, process >= 0 ? -1 : 100);
        if (process >= 0) close(process);
        if (ready < 0 && errno != EINTR) return -1;
        ssize_t length = recvmsg(task_end, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (length > 0) return length;
        // An end counts when it is seen twice: the kernel looks for a message first and whether the other end is closed
        // afterwards, and the last answer and the answerer's end may fall between the two.
        if (length == 0 && has_ended) return -1;
        has_ended = length == 0;
        // ECONNRESET is told once, when the other end went with a word in it that nobody has read (a quick task's end).
        // Answers that were sent before are still there.
        if (length == 0 || errno == ECONNRESET) continue;
        if (errno != EAGAIN && errno != EINTR) return -1;
        struct page now = look();
        if (now.told) return -1;
        if (now.answerer != shared.answerer) continue;
        if ((process >= 0 && waiting[1].revents) || (process < 0 && !is_alive(awaited))) return -1;
    }
}

// What comes with the first byte of an answer.
enum { OUTER, MOUNT, INNER, IPC, UTS, NETWORK, KINDS };
static const int types[KINDS] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWNET};

// Carries out the records of an answer, each ending with a zero byte: D directory, S NAME=VALUE, U NAME,
// C NAME=OTHER (the value this task has for OTHER). Returns whether they are whole.
static bool apply(spank_t spank, char *text, size_t length, const char **directory) {
    for (char *record = text; record < text + length;) {
        char *end = memchr(record, 0, (size_t)(text + length - record));
        if (!end) return false;
        char *name = record + 1;
        char *equals = strchr(name, '=');
        if (*record == 'D') {
            *directory = name;
        } else if (*record == 'U') {
            spank_unsetenv(spank, name);
        } else if (*record == 'S' && equals) {
            *equals = 0;
            spank_setenv(spank, name, equals + 1, 1);
        } else if (*record == 'C' && equals) {
            char **environment = NULL;
            *equals = 0;
            if (spank_get_item(spank, S_JOB_ENV, &environment) != 0) environment = NULL;
            const char *value = apus_variable(environment, equals + 1);
            if (value) spank_setenv(spank, name, value, 1);
        }
        record = end + 1;
    }
    return true;
}

void apus_enter_container(spank_t spank) {
    char **environment = NULL;
    char host[256] = "this node";
    if (spank_get_item(spank, S_JOB_ENV, &environment) != 0) environment = NULL;
    const char *node = apus_variable(environment, "SLURMD_NODENAME");
    if (!node && gethostname(host, sizeof host - 1) == 0) node = host;
    if (!node) node = host;
    if (task_end < 0) fail(node, reason, environment);
    pid_t helper = find_helper(spank, environment, node);
    if (helper < 0) {
        int code = apus_wait_helper(-helper);
        // 255: somebody else has reaped it; whether it succeeded is in the page.
        if (code != 0 && !look().answerer) {
            char why[64];
            snprintf(why, sizeof why, "the helper was killed by signal %d", code - 128);
            // SIGTERM is how Slurm cancels a step: whoever did that knows.
            bool is_killed = code > 128 && code < 255 && code != 128 + SIGTERM;
            fail(node, is_killed ? why : NULL, environment);
        }
    }
    const char question = 'J';
    while (send(task_end, &question, 1, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR) fail(node, "the helper is gone", environment);
    }
    // One byte of kind, one with a bit for each namespace; with them the records and the namespaces.
    unsigned char head[2] = {0};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * (KINDS + 1))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = head, .iov_len = sizeof head};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    if (receive(&message) < 0) fail(node, "the helper is gone", environment);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (head[0] != 'R' || !header || header->cmsg_type != SCM_RIGHTS) fail(node, NULL, environment);
    int numbers[KINDS + 1];
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (count < 1 || count > KINDS + 1) fail(node, "the helper's answer is not understood", environment);
    memcpy(numbers, CMSG_DATA(header), count * sizeof(int));
    // The order counts: rights over the mount namespace come from the outer user namespace, and inner lies beneath it.
    int namespaces[KINDS] = {-1, -1, -1, -1, -1, -1};
    size_t next = 1;
    for (int kind = 0; kind < KINDS; kind++) {
        if (head[1] & (1 << kind) && next < count) namespaces[kind] = numbers[next++];
    }
    const int order[KINDS] = {OUTER, IPC, UTS, NETWORK, MOUNT, INNER};
    for (int i = 0; i < KINDS; i++) {
        int kind = order[i];
        if (namespaces[kind] < 0) continue;
        if (setns(namespaces[kind], types[kind]) != 0) fail(node, strerror(errno), environment);
        close(namespaces[kind]);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(node, strerror(errno), environment);
    off_t length = lseek(numbers[0], 0, SEEK_END);
    char *text = length > 0 && length < (16 << 20) ? malloc((size_t)length) : NULL;
    if (!text || pread(numbers[0], text, (size_t)length, 0) != (ssize_t)length) fail(node, "the helper's answer cannot be read", environment);
    close(numbers[0]);
    const char *directory = "/";
    if (!apply(spank, text, (size_t)length, &directory)) fail(node, "the helper's answer is cut off", environment);
    if (chdir(directory) != 0) fail(node, strerror(errno), environment);
    spank_setenv(spank, "PWD", directory, 1);
    free(text);
    close(task_end);
    close(page);
    task_end = page = -1;
}

void apus_task_ended(bool is_last, bool waits) {
    if (task_end < 0) return;
    const char word = is_last ? 'E' : 'X';
    if (send(task_end, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 || !is_last || !waits) return;
    // The container is written to an image: slurmstepd waits, or the step's processes would be ended meanwhile.
    char answer[2];
    struct iovec part = {.iov_base = answer, .iov_len = sizeof answer};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    receive(&message);
}
