// Every option of the plugin, by its name, and the text that was given for it.
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

static int keep(int index, const char *text, int remote);

#define FLAG(name, usage) {name, NULL, "[apus] " usage, 0, 0, keep}
#define VALUE(name, what, usage) {name, what, "[apus] " usage, 1, 0, keep}

static struct spank_option options[] = {
    VALUE("container-image", "IMAGE", "run the tasks in this image: a SIF, squashfs file, directory or docker://, oras://, ... reference"),
    VALUE("container-mounts", "SRC[:DST[:FLAGS]],...", "show these paths of the host; also tmpfs:/PATH and umount:/PATH"),
    VALUE("container-workdir", "PATH", "start in this directory of the container (\"image\": the image's own)"),
    VALUE("container-name", "NAME[:auto|create|exec|no_exec]", "keep the container for other steps of the job"),
    VALUE("container-save", "PATH", "write the container to this image when its last task has ended"),
    FLAG("container-mount-home", "show the home directory"),
    FLAG("no-container-mount-home", "do not show the home directory"),
    FLAG("container-remap-root", "be root inside the container"),
    FLAG("no-container-remap-root", "stay who you are inside the container"),
    FLAG("container-entrypoint", "run the image's entry point once a node, first"),
    FLAG("no-container-entrypoint", "do not run the image's entry point"),
    FLAG("container-entrypoint-log", "show what the entry point prints"),
    FLAG("container-writable", "let the tasks write to the root of the container"),
    FLAG("container-readonly", "keep the root of the container read-only"),
    VALUE("container-env", "NAME[=VALUE],...|ALL|NONE", "variables whose value outside wins over the image's"),
    VALUE("container-unshare", "net,ipc,uts", "namespaces of its own for the container"),
    VALUE("container-stage", "direct|node|sbcast|auto", "where nodes read the image from"),
    VALUE("container-verify", "stat|sample|full|sig", "how a node's copy of the image is checked"),
    VALUE("container-mpi", "auto|pmix|pmi2|none", "which MPI start-up the container is prepared for"),
    VALUE("container-gpu", "none", "leave the GPUs out"),
    FLAG("container-nv", "bring NVIDIA's libraries and devices"),
    FLAG("container-rocm", "bring ROCm's libraries and devices"),
    FLAG("container-slurm", "bring Slurm's commands, for srun inside the container"),
};

enum { COUNT = sizeof options / sizeof *options };

// Text for each option; a flag that is given has the empty text.
static char *given[COUNT];

// Called when an option is met: in srun and its kin, and again in slurmstepd, in some releases twice.
static int keep(int index, const char *text, int remote) {
    (void)remote;
    if (index < 0 || index >= COUNT) return 0;
    free(given[index]);
    given[index] = strdup(text ? text : "");
    return 0;
}

void apus_register_options(spank_t spank) {
    for (int i = 0; i < COUNT; i++) {
        options[i].val = i;
        spank_option_register(spank, &options[i]);
    }
}

bool apus_any_option(void) {
    for (int i = 0; i < COUNT; i++) {
        if (given[i]) return true;
    }
    return false;
}

const char *apus_option_value(const char *name) {
    for (int i = 0; i < COUNT; i++) {
        if (strcmp(options[i].name, name) == 0) return given[i];
    }
    return NULL;
}

bool apus_wants_container(char *const *environment, bool native) {
    if (apus_option_value("container-image") || apus_option_value("container-name")) return true;
    const char *const names[] = {
        "APUS_CONTAINER_IMAGE", "PYXIS_CONTAINER_IMAGE", "APUS_CONTAINER_NAME", "PYXIS_CONTAINER_NAME",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = apus_variable(environment, names[i]);
        if (value && *value) return true;
    }
    const char *value = native ? apus_variable(environment, "SLURM_CONTAINER") : NULL;
    return value && *value;
}

void apus_append_options(struct words *words) {
    for (int i = 0; i < COUNT; i++) {
        if (!given[i]) continue;
        apus_append(words, "--option");
        apus_append(words, "%s=%s", options[i].name, given[i]);
    }
}

void apus_forget_options(void) {
    for (int i = 0; i < COUNT; i++) {
        free(given[i]);
        given[i] = NULL;
    }
}
