#include <seccomp.h>

// Macros with arguments, which Swift does not import.
static inline unsigned apus_action_errno(unsigned short number) { return SCMP_ACT_ERRNO(number); }
static inline unsigned apus_action_trace(unsigned short number) { return SCMP_ACT_TRACE(number); }
