// Starting and waiting for `apus slurm-helper`.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin.h"

const char *apus_variable(char *const *environment, const char *name) {
    size_t length = strlen(name);
    for (char *const *entry = environment; entry && *entry; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
    }
    return NULL;
}

// In the child: only calls that are safe between fork and execve in a process with threads (signal-safety(7)).
static void become(char *const *words, char *const *environment, const struct helper_state *state) {
    // As the user and with no other right, where this process has more.
    if (state->acts_as_user) {
        alarm(state->seconds);
        if (setgroups(1, &state->gid) != 0 || setgid(state->gid) != 0 || setuid(state->uid) != 0) _exit(APUS_FAILED);
    }
    for (int signal = 1; signal < 32; signal++) {
        struct sigaction plain = {.sa_handler = SIG_DFL};
        sigaction(signal, &plain, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < sizeof state->kept / sizeof *state->kept; i++) {
        if (state->kept[i] > STDERR_FILENO) fcntl(state->kept[i], F_SETFD, 0);
    }
    execve(words[0], words, environment);
    int reason = errno;
    const char *parts[] = {"FATAL:   cannot start ", words[0], ": ", strerror(reason),
                           "\n         check helper= in plugstack.conf on this node\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) break;
    }
    _exit(APUS_FAILED);
}

void apus_begin_helper(struct words *words, const char *verb) {
    apus_append(words, "%s", apus_site("helper", APUS_HELPER));
    apus_append(words, "slurm-helper");
    apus_append(words, "%s", verb);
    apus_append_site(words);
}

pid_t apus_start_helper(const struct words *words, char *const *environment, const struct helper_state *state) {
    if (words->failed) return -ENOMEM;
    pid_t child = fork();
    if (child == 0) become(words->list, environment, state);
    return child < 0 ? -errno : child;
}

int apus_wait_helper(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) return 255;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
