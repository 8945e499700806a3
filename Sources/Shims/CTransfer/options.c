// One option of an exchange each.
#include "CTransfer.h"
#include "state.h"

#include <string.h>

static int result(CURLcode code) { return code == CURLE_OK ? 0 : -1; }

int apus_exchange_set_address(apus_exchange *exchange, const char *address) {
  return result(curl_easy_setopt(exchange->easy, CURLOPT_URL, address));
}

int apus_exchange_set_method(apus_exchange *exchange, const char *method) {
  if (strcmp(method, "HEAD") == 0) return result(curl_easy_setopt(exchange->easy, CURLOPT_NOBODY, 1L));
  return result(curl_easy_setopt(exchange->easy, CURLOPT_CUSTOMREQUEST, method));
}

int apus_exchange_add_header(apus_exchange *exchange, const char *line) {
  struct curl_slist *headers = curl_slist_append(exchange->headers, line);
  if (!headers) return -1;
  exchange->headers = headers;
  return 0;
}

int apus_exchange_set_agent(apus_exchange *exchange, const char *agent) {
  return result(curl_easy_setopt(exchange->easy, CURLOPT_USERAGENT, agent));
}

int apus_exchange_set_memory_body(apus_exchange *exchange, const void *bytes, size_t size) {
  CURLcode code = curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
  if (code == CURLE_OK) code = curl_easy_setopt(exchange->easy, CURLOPT_COPYPOSTFIELDS, size ? bytes : "");
  return result(code);
}

int apus_exchange_set_file_body(apus_exchange *exchange, int descriptor, int64_t offset, int64_t size) {
  CURL *easy = exchange->easy;
  exchange->body_descriptor = descriptor;
  exchange->body_offset = offset;
  exchange->body_size = size;
  CURLcode code = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, apus_give_body);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, apus_rewind_body);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
  return result(code);
}

int apus_exchange_set_connect_limit(apus_exchange *exchange, long milliseconds) {
  return result(curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds));
}

// The library would ask a proxy even here.
int apus_exchange_set_unix_socket(apus_exchange *exchange, const char *path) {
  CURLcode code = curl_easy_setopt(exchange->easy, CURLOPT_UNIX_SOCKET_PATH, path);
  if (code == CURLE_OK) code = curl_easy_setopt(exchange->easy, CURLOPT_PROXY, "");
  return result(code);
}

int apus_exchange_set_authorities(apus_exchange *exchange, const void *pem, size_t size) {
  struct curl_blob blob = {.data = (void *)pem, .len = size, .flags = CURL_BLOB_COPY};
  return result(curl_easy_setopt(exchange->easy, CURLOPT_CAINFO_BLOB, &blob));
}

int apus_exchange_set_authority_file(apus_exchange *exchange, const char *path) {
  return result(curl_easy_setopt(exchange->easy, CURLOPT_CAINFO, path));
}

int apus_exchange_set_authority_directory(apus_exchange *exchange, const char *path) {
  return result(curl_easy_setopt(exchange->easy, CURLOPT_CAPATH, path));
}

int apus_exchange_set_client_certificate(apus_exchange *exchange, const char *certificate, const char *key) {
  CURLcode code = curl_easy_setopt(exchange->easy, CURLOPT_SSLCERT, certificate);
  if (code == CURLE_OK) code = curl_easy_setopt(exchange->easy, CURLOPT_SSLKEY, key);
  return result(code);
}

int apus_exchange_set_unverified(apus_exchange *exchange) {
  CURLcode code = curl_easy_setopt(exchange->easy, CURLOPT_SSL_VERIFYPEER, 0L);
  if (code == CURLE_OK) code = curl_easy_setopt(exchange->easy, CURLOPT_SSL_VERIFYHOST, 0L);
  return result(code);
}
