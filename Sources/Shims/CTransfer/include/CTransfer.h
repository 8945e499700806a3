// HTTP exchanges through libcurl's multi interface, which Swift cannot call: its functions are variadic.
//
// A group (one multi handle with its connections) and its exchanges belong to one thread at a time. The only
// global state is the library's own, set up once. Functions that can fail return >= 0, or -1.
#ifndef APUS_CTRANSFER_H
#define APUS_CTRANSFER_H

#include <stddef.h>
#include <stdint.h>

// The version of the library, as it names itself.
const char *apus_transfer_version(void);

// Connections that exchanges share, one after the other.
typedef struct apus_group apus_group;
// One request and its answer.
typedef struct apus_exchange apus_exchange;

// What ended an exchange that did not succeed.
enum apus_failure {
  APUS_FAILURE_NONE = 0,
  APUS_FAILURE_RESOLVE,      // no address for the name
  APUS_FAILURE_CONNECT,      // nobody answers there
  APUS_FAILURE_PROXY,        // the proxy refuses
  APUS_FAILURE_HANDSHAKE,    // no TLS there, or none that both sides know
  APUS_FAILURE_CERTIFICATE,  // the server's certificate is not trusted
  APUS_FAILURE_LOCAL_FILE,   // a certificate, key or body of ours cannot be read
  APUS_FAILURE_TIME,         // no connection in time
  APUS_FAILURE_BROKEN,       // the connection ended in mid-exchange
  APUS_FAILURE_HEAD,         // the head of the answer is too large
  APUS_FAILURE_ADDRESS,      // the library does not take the address
  APUS_FAILURE_OTHER
};

apus_group *apus_group_create(void);
void apus_group_free(apus_group *group);
// Waits up to `milliseconds` for something to happen (0: not at all), then moves every exchange on.
int apus_group_step(apus_group *group, int milliseconds);

apus_exchange *apus_exchange_create(void);
// Takes it out of its group, closing the connection unless the answer came to its end.
void apus_exchange_free(apus_exchange *exchange);

// Before the start. Texts are copied.
int apus_exchange_set_address(apus_exchange *exchange, const char *address);
int apus_exchange_set_method(apus_exchange *exchange, const char *method);
int apus_exchange_add_header(apus_exchange *exchange, const char *line);
int apus_exchange_set_agent(apus_exchange *exchange, const char *agent);
int apus_exchange_set_memory_body(apus_exchange *exchange, const void *bytes, size_t size);
// `size` bytes of an open file from `offset`, which stays open until the exchange is freed.
int apus_exchange_set_file_body(apus_exchange *exchange, int descriptor, int64_t offset, int64_t size);
int apus_exchange_set_connect_limit(apus_exchange *exchange, long milliseconds);
int apus_exchange_set_unix_socket(apus_exchange *exchange, const char *path);
int apus_exchange_set_authorities(apus_exchange *exchange, const void *pem, size_t size);
int apus_exchange_set_authority_file(apus_exchange *exchange, const char *path);
int apus_exchange_set_authority_directory(apus_exchange *exchange, const char *path);
int apus_exchange_set_client_certificate(apus_exchange *exchange, const char *certificate, const char *key);
// Any certificate will do.
int apus_exchange_set_unverified(apus_exchange *exchange);

int apus_exchange_start(apus_exchange *exchange, apus_group *group);

// 1 once the head of the final answer is there.
int apus_exchange_has_head(const apus_exchange *exchange);
int apus_exchange_status(const apus_exchange *exchange);
// The lines of the head after the first, each with its line end.
const char *apus_exchange_head(const apus_exchange *exchange, size_t *size);
// 1 once nothing more will come from the connection.
int apus_exchange_is_done(const apus_exchange *exchange);
enum apus_failure apus_exchange_failure(const apus_exchange *exchange);
// The library's sentence for it, empty where it has none.
const char *apus_exchange_failure_text(const apus_exchange *exchange);
// Bytes of a file's body sent so far.
int64_t apus_exchange_sent(const apus_exchange *exchange);
// Bytes of the answer's body that wait to be taken.
size_t apus_exchange_waiting(const apus_exchange *exchange);
// Moves up to `size` waiting bytes to `target` and lets the server send on when there is room again.
size_t apus_exchange_take(apus_exchange *exchange, void *target, size_t size);

#endif
