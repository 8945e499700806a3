// The SPANK plugin: what its parts share. It runs inside srun, sbatch, salloc, slurmd and slurmstepd, so it does as
// little there as it can: it keeps the text of options, starts `apus slurm-helper`, and lets tasks enter the namespaces
// which that helper made. It parses nothing a user wrote, starts no thread, and never ends a process that is not a task.
#ifndef APUS_PLUGIN_H
#define APUS_PLUGIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spank.h"

// Grows when an option or its meaning changes: submit hosts tell it to nodes, which refuse what they do not know.
#define APUS_PROTOCOL 1
// The exit code of a task whose container could not be made.
#define APUS_FAILED 125
// Step ids with a meaning (slurm/slurm.h).
#define APUS_EXTERN_STEP 0xfffffffcu
#define APUS_BATCH_STEP 0xfffffffbu
#define APUS_INTERACTIVE_STEP 0xfffffffau

// An item that is one number; 0 where there is none.
uint32_t apus_number(spank_t spank, spank_item_t item);

// options.c

// Registers all options; only in slurm_spank_init.
void apus_register_options(spank_t spank);
// Whether options or variables ask for a container. `environment` ends with NULL.
bool apus_wants_container(char *const *environment, bool native);
bool apus_any_option(void);
// What was given for an option (its name without the dashes); a flag's is the empty text. NULL: nothing.
const char *apus_option_value(const char *name);
// Appends "--option NAME=VALUE" for each option that was given.
struct words;
void apus_append_options(struct words *words);
void apus_forget_options(void);

// words.c: a list of allocated words that ends with NULL, for execve.
struct words {
    char **list;
    size_t count;
    bool failed;  // no memory: the list is not to be used
};
void apus_append(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
void apus_free_words(struct words *words);

// site.c: the words behind the plugin's name in plugstack.conf.

// Keeps a copy of the words.
void apus_keep_site(int count, char **words);
// The value of KEY=VALUE; otherwise the default.
const char *apus_site(const char *key, const char *otherwise);
// Whether the line says no to it, in any of the words that SiteOptions.swift takes.
bool apus_site_is_off(const char *key);
void apus_append_site(struct words *words);
void apus_forget_site(void);

// helper.c: processes of `apus slurm-helper`.

struct helper_state {
    bool acts_as_user;  // change to these ids first
    uid_t uid;
    gid_t gid;
    unsigned seconds;  // and live no longer than this
    int kept[2];       // descriptors it gets; 0: none
};
// Begins a command line: "apus slurm-helper VERB" and the site's words.
void apus_begin_helper(struct words *words, const char *verb);
// Starts it. Signals are at their defaults and unblocked in it. Returns its pid or -errno.
pid_t apus_start_helper(const struct words *words, char *const *environment, const struct helper_state *state);
// Waits for a helper; its exit code, 128 + signal, or 255.
int apus_wait_helper(pid_t pid);

// join.c: the tasks of a step on one node and their container.

// In slurmstepd, before tasks are forked: makes what tasks will share. Never fails: tasks will say what was wrong.
// `native`: Slurm's own --container names an image.
void apus_prepare_step(bool native);
// In slurmstepd, when every task is forked.
void apus_all_forked(void);
// In a task: enters the container, or ends the task.
void apus_enter_container(spank_t spank);
// In slurmstepd: a task has ended; the last one ends the helper.
void apus_task_ended(bool is_last, bool waits);
bool apus_step_has_container(void);

// The value of a variable in such a list, or NULL.
const char *apus_variable(char *const *environment, const char *name);

#endif
