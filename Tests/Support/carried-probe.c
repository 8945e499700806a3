// Stands in the place of apus-image where a test asks what a program sees that `make dist` packed: its name, where it
// takes itself to be, what would preload, and the address of each host named. One line each.
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int count, char **words) {
  const char *preload = getenv("LD_PRELOAD");
  printf("name %s\nplace %s\npreload %s\n", program_invocation_short_name, words[0], preload ? preload : "none");
  for (int word = 1; word < count; word++) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    char address[64];
    int error = getaddrinfo(words[word], "443", &hints, &found);
    if (error == 0) error = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST);
    printf("%s %s\n", words[word], error == 0 ? address : gai_strerror(error));
  }
}
