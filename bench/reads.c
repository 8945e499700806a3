// The reading side of the benchmarks, one program for every mount: what it does, and what it cost a server.
//
//   reads find DIR                walk and lstat everything, as `find -ls` does
//   reads small DIR READERS       read every file of at most 200,000 bytes; each of the readers walks all, reads its part
//   reads sequential FILE         1 MiB reads from start to end
//   reads random FILE COUNT       4 KiB reads at random offsets, the same ones every time
// Prints: entries or bytes, and milliseconds.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t entries, bytes;
static char buffer[1 << 20];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void read_file(int directory, const char *name) {
  int file = openat(directory, name, O_RDONLY | O_NOFOLLOW);
  if (file < 0) return;
  ssize_t count;
  while ((count = read(file, buffer, sizeof buffer)) > 0) bytes += (uint64_t)count;
  close(file);
}

static void walk(int parent, const char *name, int part, int parts) {
  int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (directory < 0) return;
  DIR *stream = fdopendir(directory);
  struct dirent *entry;
  while ((entry = readdir(stream))) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    struct stat facts;
    if (fstatat(directory, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) < 0) continue;
    uint64_t number = entries++;
    if (S_ISDIR(facts.st_mode)) {
      walk(directory, entry->d_name, part, parts);
    } else if (parts && S_ISREG(facts.st_mode) && facts.st_size <= 200000 && number % (uint64_t)parts == (uint64_t)part) {
      read_file(directory, entry->d_name);
    }
  }
  closedir(stream);
}

int main(int count, char **words) {
  if (count < 3) return 1;
  double start = now();
  if (!strcmp(words[1], "find")) {
    walk(AT_FDCWD, words[2], 0, 0);
  } else if (!strcmp(words[1], "small")) {
    int readers = count > 3 ? atoi(words[3]) : 1;
    for (int reader = 0; reader < readers; reader++) {
      if (readers > 1 && fork() != 0) continue;
      walk(AT_FDCWD, words[2], reader, readers);
      if (readers > 1) _exit(0);
    }
    while (readers > 1 && wait(NULL) > 0) continue;
  } else if (!strcmp(words[1], "sequential")) {
    read_file(AT_FDCWD, words[2]);
  } else if (!strcmp(words[1], "random") && count > 3) {
    int file = open(words[2], O_RDONLY);
    struct stat facts;
    fstat(file, &facts);
    uint64_t state = 42;
    for (int index = atoi(words[3]); index > 0; index--) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      off_t offset = (off_t)((state >> 20) % ((uint64_t)facts.st_size - 4096));
      ssize_t got = pread(file, buffer, 4096, offset);
      if (got > 0) bytes += (uint64_t)got;
    }
  } else {
    return 1;
  }
  printf("%llu %llu %.1f\n", (unsigned long long)entries, (unsigned long long)bytes, now() - start);
  return 0;
}
