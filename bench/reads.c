// The reading side of the benchmarks, one program for every mount: what it does, and what it cost a server.
//
//   reads find DIR                walk and lstat everything, as `find -ls` does
//   reads small DIR READERS       read every file of at most 200,000 bytes; each of the readers walks all, reads its part
//   reads sequential FILE         1 MiB reads from start to end
//   reads random FILE COUNT       4 KiB reads at random offsets, the same ones every time
//   reads run COMMAND...          runs a command, without its output
//   reads obey                    does what each line of standard input says, as if given to it as words
// Prints: entries, bytes, milliseconds. A command that fails prints milliseconds of -1.
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
    if (!parts && S_ISLNK(facts.st_mode)) {
      char target[4096];
      if (readlinkat(directory, entry->d_name, target, sizeof target) < 0) continue;
    }
    if (S_ISDIR(facts.st_mode)) {
      walk(directory, entry->d_name, part, parts);
    } else if (parts && S_ISREG(facts.st_mode) && facts.st_size <= 200000 && number % (uint64_t)parts == (uint64_t)part) {
      read_file(directory, entry->d_name);
    }
  }
  closedir(stream);
}

static int obey(void);

static int perform(int count, char **words) {
  double start = now(), failed = 0;
  entries = bytes = 0;
  if (count == 2 && !strcmp(words[1], "obey")) return obey();
  if (count < 3) return 1;
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
    if (file < 0 || fstat(file, &facts) < 0) return 1;
    uint64_t state = 42;
    for (int index = atoi(words[3]); index > 0; index--) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      off_t offset = (off_t)((state >> 20) % ((uint64_t)facts.st_size - 4096));
      ssize_t got = pread(file, buffer, 4096, offset);
      if (got > 0) bytes += (uint64_t)got;
    }
    close(file);
  } else if (!strcmp(words[1], "run")) {
    pid_t child = fork();
    if (child == 0) {
      int nothing = open("/dev/null", O_RDWR);
      if (nothing >= 0) dup2(nothing, 0), dup2(nothing, 1);
      execv(words[2], words + 2);
      _exit(127);
    }
    int status;
    waitpid(child, &status, 0);
    failed = status;
  } else {
    return 1;
  }
  printf("%llu %llu %.1f\n", (unsigned long long)entries, (unsigned long long)bytes, failed != 0 ? -1 : now() - start);
  fflush(stdout);
  return 0;
}

static int obey(void) {
  char line[4096], *words[16];
  while (fgets(line, sizeof line, stdin)) {
    int count = 1;
    words[0] = "reads";
    for (char *part = strtok(line, " \n"); part && count < 15; part = strtok(NULL, " \n")) words[count++] = part;
    words[count] = NULL;
    if (perform(count, words) != 0) return 1;
  }
  return 0;
}

int main(int count, char **words) { return perform(count, words); }
