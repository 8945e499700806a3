// What the library calls while an exchange runs.
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int grow_head(apus_exchange *exchange, size_t size) {
  if (size <= exchange->head_capacity) return 0;
  size_t capacity = exchange->head_capacity ? exchange->head_capacity : 2048;
  while (capacity < size) capacity *= 2;
  char *head = realloc(exchange->head, capacity);
  if (!head) return -1;
  exchange->head = head;
  exchange->head_capacity = capacity;
  return 0;
}

// Lines of provisional answers (1xx) are dropped when the next first line comes, trailers of a body always.
size_t apus_take_header(char *line, size_t one, size_t size, void *context) {
  apus_exchange *exchange = context;
  size *= one;
  if (exchange->has_head) return size;
  if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
    exchange->head_size = 0;
    return size;
  }
  if ((size == 2 && line[0] == '\r') || (size == 1 && line[0] == '\n')) {
    long status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200) exchange->has_head = 1;
    return size;
  }
  if (size > APUS_HEAD_LIMIT - exchange->head_size) {
    exchange->head_is_too_large = 1;
    return 0;
  }
  if (grow_head(exchange, exchange->head_size + size) < 0) return 0;
  memcpy(exchange->head + exchange->head_size, line, size);
  exchange->head_size += size;
  return size;
}

size_t apus_take_body(char *bytes, size_t one, size_t size, void *context) {
  apus_exchange *exchange = context;
  size *= one;
  if (!exchange->ring && !(exchange->ring = malloc(APUS_WAITING_LIMIT))) return 0;
  if (size > APUS_WAITING_LIMIT - exchange->waiting) {
    exchange->is_paused = 1;
    return CURL_WRITEFUNC_PAUSE;
  }
  size_t end = (exchange->first + exchange->waiting) % APUS_WAITING_LIMIT;
  size_t part = APUS_WAITING_LIMIT - end < size ? APUS_WAITING_LIMIT - end : size;
  memcpy(exchange->ring + end, bytes, part);
  memcpy(exchange->ring, bytes + part, size - part);
  exchange->waiting += size;
  return size;
}

size_t apus_give_body(char *target, size_t one, size_t size, void *context) {
  apus_exchange *exchange = context;
  size *= one;
  int64_t rest = exchange->body_size - exchange->body_sent;
  if ((int64_t)size > rest) size = (size_t)rest;
  if (size == 0) return 0;
  ssize_t count;
  do {
    count = pread(exchange->body_descriptor, target, size, exchange->body_offset + exchange->body_sent);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) {
    exchange->body_failed = 1;
    return CURL_READFUNC_ABORT;
  }
  exchange->body_sent += count;
  return (size_t)count;
}

// A kept connection that turns out to be dead is replaced, and the body begins anew.
int apus_rewind_body(void *context, curl_off_t offset, int origin) {
  apus_exchange *exchange = context;
  if (origin != SEEK_SET || offset < 0 || offset > exchange->body_size) return CURL_SEEKFUNC_FAIL;
  exchange->body_sent = offset;
  return CURL_SEEKFUNC_OK;
}

// As the library does, but no program that another thread starts inherits the socket.
curl_socket_t apus_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)context;
  (void)purpose;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
