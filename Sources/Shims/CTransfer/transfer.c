#include "CTransfer.h"
#include "state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

const char *apus_transfer_version(void) { return curl_version(); }

apus_group *apus_group_create(void) {
  pthread_once(&started, start);
  apus_group *group = calloc(1, sizeof *group);
  if (!group) return NULL;
  group->multi = curl_multi_init();
  if (!group->multi) {
    free(group);
    return NULL;
  }
  curl_multi_setopt(group->multi, CURLMOPT_MAXCONNECTS, 6L);
  return group;
}

void apus_group_free(apus_group *group) {
  curl_multi_cleanup(group->multi);
  free(group);
}

int apus_group_step(apus_group *group, int milliseconds) {
  int running = 0;
  if (milliseconds > 0 && curl_multi_poll(group->multi, NULL, 0, milliseconds, NULL) != CURLM_OK) return -1;
  if (curl_multi_perform(group->multi, &running) != CURLM_OK) return -1;
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read(group->multi, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    char *context = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
    apus_exchange *exchange = (apus_exchange *)context;
    exchange->is_done = 1;
    exchange->result = message->data.result;
  }
  return running;
}

apus_exchange *apus_exchange_create(void) {
  pthread_once(&started, start);
  apus_exchange *exchange = calloc(1, sizeof *exchange);
  if (!exchange) return NULL;
  exchange->body_descriptor = -1;
  CURL *easy = exchange->easy = curl_easy_init();
  if (!easy) {
    free(exchange);
    return NULL;
  }
  curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)exchange);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->text);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // Redirects are followed by hand: the library would decide for us who sees the credentials.
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  // One connection carries one blob: faster over long distances than blobs that share one (HTTP/2).
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L << 10);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, apus_open_socket);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, apus_take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, apus_take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
  return exchange;
}

void apus_exchange_free(apus_exchange *exchange) {
  if (exchange->group) curl_multi_remove_handle(exchange->group->multi, exchange->easy);
  curl_easy_cleanup(exchange->easy);
  curl_slist_free_all(exchange->headers);
  free(exchange->head);
  free(exchange->ring);
  free(exchange);
}

int apus_exchange_start(apus_exchange *exchange, apus_group *group) {
  curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
  if (curl_multi_add_handle(group->multi, exchange->easy) != CURLM_OK) return -1;
  exchange->group = group;
  return 0;
}

int apus_exchange_has_head(const apus_exchange *exchange) { return exchange->has_head; }

int apus_exchange_status(const apus_exchange *exchange) {
  long status = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
  return (int)status;
}

const char *apus_exchange_head(const apus_exchange *exchange, size_t *size) {
  *size = exchange->head_size;
  return exchange->head;
}

int apus_exchange_is_done(const apus_exchange *exchange) { return exchange->is_done; }

enum apus_failure apus_exchange_failure(const apus_exchange *exchange) {
  if (exchange->head_is_too_large) return APUS_FAILURE_HEAD;
  if (exchange->body_failed) return APUS_FAILURE_LOCAL_FILE;
  switch (exchange->result) {
  case CURLE_OK: return APUS_FAILURE_NONE;
  case CURLE_COULDNT_RESOLVE_HOST: return APUS_FAILURE_RESOLVE;
  case CURLE_COULDNT_CONNECT: return APUS_FAILURE_CONNECT;
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_PROXY: return APUS_FAILURE_PROXY;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CIPHER: return APUS_FAILURE_HANDSHAKE;
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_ISSUER_ERROR: return APUS_FAILURE_CERTIFICATE;
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CACERT_BADFILE: return APUS_FAILURE_LOCAL_FILE;
  case CURLE_OPERATION_TIMEDOUT: return APUS_FAILURE_TIME;
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_UNSUPPORTED_PROTOCOL:
    // An answer that is no HTTP/1 is an unsupported protocol, too; the address was checked before.
    return APUS_FAILURE_BROKEN;
  case CURLE_URL_MALFORMAT: return APUS_FAILURE_ADDRESS;
  default: return APUS_FAILURE_OTHER;
  }
}

const char *apus_exchange_failure_text(const apus_exchange *exchange) {
  if (exchange->text[0] || exchange->result == CURLE_OK) return exchange->text;
  return curl_easy_strerror(exchange->result);
}

int64_t apus_exchange_sent(const apus_exchange *exchange) { return exchange->body_sent; }

size_t apus_exchange_waiting(const apus_exchange *exchange) { return exchange->waiting; }

size_t apus_exchange_take(apus_exchange *exchange, void *target, size_t size) {
  if (size > exchange->waiting) size = exchange->waiting;
  if (size == 0) return 0;
  size_t part = APUS_WAITING_LIMIT - exchange->first;
  if (part > size) part = size;
  memcpy(target, exchange->ring + exchange->first, part);
  memcpy((char *)target + part, exchange->ring, size - part);
  exchange->first = (exchange->first + size) % APUS_WAITING_LIMIT;
  exchange->waiting -= size;
  if (exchange->is_paused && exchange->waiting <= APUS_WAITING_LIMIT / 2) {
    exchange->is_paused = 0;
    // Hands over at once what it held back, and may pause again.
    curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
  }
  return size;
}
