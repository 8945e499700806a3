// The part of Slurm's plugin interface that this plugin uses, declared by itself so that no header of Slurm is needed to
// build it and one file serves every release (slurm/spank.h of 22.05 to 26.05; a test compares the two).
#ifndef APUS_SPANK_H
#define APUS_SPANK_H

#ifdef APUS_WITH_SLURM_HEADERS
#include <slurm/spank.h>
#else

typedef struct spank_handle *spank_t;
typedef int spank_err_t;

typedef enum spank_context {
    S_CTX_ERROR,
    S_CTX_LOCAL,      // srun
    S_CTX_REMOTE,     // slurmstepd
    S_CTX_ALLOCATOR,  // sbatch, salloc
    S_CTX_SLURMD,
    S_CTX_JOB_SCRIPT  // prolog and epilog of a job
} spank_context_t;

typedef enum spank_item {
    S_JOB_UID,
    S_JOB_GID,
    S_JOB_ID,
    S_JOB_STEPID,
    S_JOB_NNODES,
    S_JOB_NODEID,
    S_JOB_LOCAL_TASK_COUNT,
    S_JOB_TOTAL_TASK_COUNT,
    S_JOB_NCPUS,
    S_JOB_ARGV,
    S_JOB_ENV,
    S_TASK_ID,
    S_TASK_GLOBAL_ID,
    S_TASK_EXIT_STATUS,
    S_TASK_PID
} spank_item_t;

typedef int (*spank_opt_cb_f)(int val, const char *optarg, int remote);

struct spank_option {
    char *name;
    char *arginfo;
    char *usage;
    int has_arg;
    int val;
    spank_opt_cb_f cb;
};

int spank_remote(spank_t spank);
spank_context_t spank_context(void);
spank_err_t spank_option_register(spank_t spank, struct spank_option *option);
spank_err_t spank_get_item(spank_t spank, spank_item_t item, ...);
spank_err_t spank_setenv(spank_t spank, const char *name, const char *value, int overwrite);
spank_err_t spank_unsetenv(spank_t spank, const char *name);
extern void slurm_spank_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
#endif
