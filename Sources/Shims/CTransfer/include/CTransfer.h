// HTTP transfers through libcurl's multi interface, whose functions are variadic and cannot be called from Swift.
//
// Every function returns a value >= 0, or a negated number that says what failed. Nothing here keeps state of its own.
#ifndef APUS_CTRANSFER_H
#define APUS_CTRANSFER_H

// The version of the library, as it names itself.
const char *apus_transfer_version(void);

#endif
