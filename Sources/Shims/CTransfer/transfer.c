#include "CTransfer.h"

#include <curl/curl.h>

const char *apus_transfer_version(void) { return curl_version(); }
