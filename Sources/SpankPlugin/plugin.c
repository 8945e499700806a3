// The hooks Slurm calls. Which may fail, and how each failure looks to users and administrators, differs from hook to
// hook (docs/contributing/slurm.md): the ones that run as root or could drain a node always return 0.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED const char plugin_name[] = "apus";
EXPORTED const char plugin_type[] = "spank";
// Slurm loads plugins of its own release only. `apus slurm install` writes the release it finds into the installed copy.
EXPORTED const unsigned int plugin_version = 0x160508;
EXPORTED const unsigned int spank_plugin_version = 1;

extern char **environ;

uint32_t apus_number(spank_t spank, spank_item_t item) {
    uint32_t value = 0;
    return spank_get_item(spank, item, &value) == 0 ? value : 0;
}

// Without an oci.conf Slurm only passes its own --container on: then the option is served here.
static bool serves_native(void) {
    if (strcmp(apus_site("native", "auto"), "off") == 0) return false;
    const char *configuration = getenv("SLURM_CONF");
    char path[4096];
    const char *slash = configuration ? strrchr(configuration, '/') : NULL;
    int length = slash ? snprintf(path, sizeof path, "%.*s/oci.conf", (int)(slash - configuration), configuration)
                       : snprintf(path, sizeof path, "/etc/slurm/oci.conf");
    return length < 0 || (size_t)length >= sizeof path || access(path, F_OK) != 0;
}

EXPORTED int slurm_spank_init(spank_t spank, int count, char **words) {
    spank_context_t context = spank_context();
    if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR && context != S_CTX_REMOTE) return 0;
    apus_keep_site(count, words);
    apus_register_options(spank);
    if (context == S_CTX_REMOTE) return 0;
    // A step in a container exports it; what is inherited belongs to another step.
    if (serves_native()) unsetenv("SLURM_CONTAINER");
    return 0;
}

// The value of Slurm's own --container on this command line: Slurm shows it to nobody before the step is launched.
// `text` holds the words, as /proc/self/cmdline has them.
static const char *native_option(char *text, size_t size) {
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (file < 0) return NULL;
    ssize_t length = read(file, text, size - 1);
    close(file);
    if (length <= 0) return NULL;
    text[length] = 0;
    for (char *word = text; word < text + length && strcmp(word, "--") != 0; word += strlen(word) + 1) {
        if (strncmp(word, "--container=", 12) == 0) return word + 12;
        if (strcmp(word, "--container") == 0) {
            char *next = word + strlen(word) + 1;
            return next < text + length ? next : NULL;
        }
    }
    return NULL;
}

// In srun, sbatch and salloc: mistakes are found before anything is allocated.
EXPORTED int slurm_spank_init_post_opt(spank_t spank, int count, char **site) {
    (void)spank, (void)count, (void)site;
    spank_context_t context = spank_context();
    if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR) return 0;
    if (!apus_any_option() && !apus_wants_container(environ, false)) return 0;
    char directory[4096];
    if (getcwd(directory, sizeof directory)) setenv("SLURM_SPANK_APUS_CWD", directory, 1);
    char protocol[16];
    snprintf(protocol, sizeof protocol, "%d", APUS_PROTOCOL);
    setenv("SLURM_SPANK_APUS_PROTOCOL", protocol, 1);
    struct words words = {0};
    apus_begin_helper(&words, "check");
    apus_append_options(&words);
    char text[32768];
    const char *native = serves_native() ? native_option(text, sizeof text) : NULL;
    if (native) {
        apus_append(&words, "--option");
        apus_append(&words, "container=%s", native);
    }
    struct helper_state state = {0};
    pid_t helper = apus_start_helper(&words, environ, &state);
    apus_free_words(&words);
    if (helper < 0) {
        slurm_spank_log("apus: cannot start the helper: %s", strerror(-helper));
        return -1;
    }
    return apus_wait_helper(helper) == 0 ? 0 : -1;
}

// In srun, when the nodes are known: where the site or the user wants it, the image is sent to all of them.
EXPORTED int slurm_spank_local_user_init(spank_t spank, int count, char **words) {
    (void)count, (void)words;
    const char *mode = apus_site("stage", "");
    const char *asked = apus_option_value("container-stage");
    if (!asked) asked = apus_variable(environ, "APUS_CONTAINER_STAGE");
    if (asked && *asked) mode = asked;
    if (strcmp(mode, "sbcast") != 0 && strcmp(mode, "auto") != 0) return 0;
    if (!apus_wants_container(environ, false)) return 0;
    struct words all = {0};
    apus_begin_helper(&all, "broadcast");
    apus_append_options(&all);
    apus_append(&all, "--nodes");
    apus_append(&all, "%u", (unsigned)apus_number(spank, S_JOB_NNODES));
    apus_append(&all, "--job");
    apus_append(&all, "%u", (unsigned)apus_number(spank, S_JOB_ID));
    struct helper_state state = {0};
    pid_t helper = apus_start_helper(&all, environ, &state);
    if (helper > 0) apus_wait_helper(helper);
    apus_free_words(&all);
    return 0;
}

static bool is_containerised(spank_t spank) {
    uint32_t step = apus_number(spank, S_JOB_STEPID);
    if (step == APUS_EXTERN_STEP || step == APUS_INTERACTIVE_STEP) return false;
    // The second is Pyxis' name for it.
    bool only_steps = strcmp(apus_site("sbatch", "on"), "steps") == 0 || apus_site_is_off("sbatch_support");
    if (step == APUS_BATCH_STEP && only_steps) return false;
    char **environment = NULL;
    if (spank_get_item(spank, S_JOB_ENV, &environment) != 0) return false;
    return apus_wants_container(environment, serves_native());
}

EXPORTED int slurm_spank_user_init(spank_t spank, int count, char **words) {
    (void)count, (void)words;
    if (spank_remote(spank) == 1 && is_containerised(spank)) apus_prepare_step(serves_native());
    return 0;
}

EXPORTED int slurm_spank_task_post_fork(spank_t spank, int count, char **words) {
    (void)count, (void)words;
    int task = 0;
    if (spank_get_item(spank, S_TASK_ID, &task) != 0) return 0;
    if ((uint32_t)task + 1 >= apus_number(spank, S_JOB_LOCAL_TASK_COUNT)) apus_all_forked();
    return 0;
}

EXPORTED int slurm_spank_task_init(spank_t spank, int count, char **words) {
    (void)count, (void)words;
    if (apus_step_has_container()) apus_enter_container(spank);
    return 0;
}

EXPORTED int slurm_spank_task_exit(spank_t spank, int count, char **words) {
    (void)count, (void)words;
    static uint32_t ended;
    if (!apus_step_has_container()) return 0;
    ended++;
    apus_task_ended(ended >= apus_number(spank, S_JOB_LOCAL_TASK_COUNT), apus_option_value("container-save") != NULL);
    return 0;
}

// What containers of the job have left on this node: removed as the user, never as root.
EXPORTED int slurm_spank_job_epilog(spank_t spank, int count, char **words) {
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    uint32_t job = 0;
    apus_keep_site(count, words);
    const char *runtime = apus_site("runtime_dir", apus_site("runtime_path", "/run/apus"));
    char path[4096];
    struct statx facts;
    if (spank_get_item(spank, S_JOB_UID, &uid) != 0 || spank_get_item(spank, S_JOB_ID, &job) != 0) return 0;
    int length = snprintf(path, sizeof path, "%s/%u/%u", runtime, (unsigned)uid, (unsigned)job);
    if (length < 0 || (size_t)length >= sizeof path) return 0;
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_UID | STATX_GID, &facts) != 0 || facts.stx_uid != uid) return 0;
    if (spank_get_item(spank, S_JOB_GID, &gid) != 0 || gid == (gid_t)-1) gid = facts.stx_gid;
    struct words all = {0};
    apus_begin_helper(&all, "end");
    apus_append(&all, "--job");
    apus_append(&all, "%u", (unsigned)job);
    char *const none[] = {NULL};
    // A hanging file system must not hold up the node.
    struct helper_state state = {.acts_as_user = true, .uid = uid, .gid = gid, .seconds = 5};
    pid_t helper = apus_start_helper(&all, none, &state);
    if (helper > 0) apus_wait_helper(helper);
    apus_free_words(&all);
    apus_forget_site();
    return 0;
}

EXPORTED int slurm_spank_exit(spank_t spank, int count, char **words) {
    (void)spank, (void)count, (void)words;
    apus_forget_options();
    apus_forget_site();
    return 0;
}
