// What an exchange is made of; for the files of this folder.
#ifndef APUS_CTRANSFER_STATE_H
#define APUS_CTRANSFER_STATE_H

#include "CTransfer.h"

#include <curl/curl.h>

// The body waits here until it is taken. At least twice what the library hands over at once.
#define APUS_WAITING_LIMIT ((size_t)256 << 10)
// All lines of a head together. Registries send less than 4 KiB, content networks a few more.
#define APUS_HEAD_LIMIT ((size_t)128 << 10)

struct apus_group {
  CURLM *multi;
};

struct apus_exchange {
  CURL *easy;
  apus_group *group;
  struct curl_slist *headers;
  char *head;
  size_t head_size;
  size_t head_capacity;
  int has_head;
  int head_is_too_large;
  // A ring: `waiting` bytes from `first` on.
  unsigned char *ring;
  size_t first;
  size_t waiting;
  int is_paused;
  int is_done;
  CURLcode result;
  int body_descriptor;
  int body_failed;
  int64_t body_offset;
  int64_t body_size;
  int64_t body_sent;
  char text[CURL_ERROR_SIZE];
};

// The library's callbacks, in callbacks.c.
size_t apus_take_header(char *line, size_t one, size_t size, void *context);
size_t apus_take_body(char *bytes, size_t one, size_t size, void *context);
size_t apus_give_body(char *target, size_t one, size_t size, void *context);
int apus_rewind_body(void *context, curl_off_t offset, int origin);
curl_socket_t apus_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address);

#endif
