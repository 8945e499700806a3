// Times commands side by side: one round runs each of them once, in turn, so that whatever the machine does meanwhile
// meets all of them alike. Wall time from spawn to reaped, by the monotonic clock.
//
//   interleave ROUNDS NAME COMMAND [-- NAME COMMAND]...      a command is one word, given to /bin/sh only with a blank
//                                                            after "sh:"; otherwise split at blanks
// Prints one line a command: name, minimum, median, 99th percentile (ms), median of the ratio to the first command.
// A command that fails in a round ends the run with its status. INTERLEAVE_PAUSE: microseconds before each command, so
// that what the one before left behind (a server that ends) is gone.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
enum { MOST_COMMANDS = 16, MOST_WORDS = 64 };

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double once(char **words) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  double start = now();
  pid_t child;
  if (posix_spawnp(&child, words[0], &actions, NULL, words, environ) != 0) {
    perror(words[0]);
    exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  double took = now() - start;
  posix_spawn_file_actions_destroy(&actions);
  if (status != 0) {
    fprintf(stderr, "interleave: %s ended with status %d\n", words[0], status);
    exit(1);
  }
  return took;
}

int main(int count, char **words) {
  if (count < 4) {
    fprintf(stderr, "usage: interleave ROUNDS NAME COMMAND [-- NAME COMMAND]...\n");
    return 1;
  }
  int rounds = atoi(words[1]), commands = 0;
  char *names[MOST_COMMANDS], *lines[MOST_COMMANDS][MOST_WORDS];
  for (int index = 2; index + 1 < count && commands < MOST_COMMANDS; index += 3) {
    names[commands] = words[index];
    int word = 0;
    if (strncmp(words[index + 1], "sh: ", 4) == 0) {
      lines[commands][0] = "/bin/sh", lines[commands][1] = "-c", lines[commands][2] = words[index + 1] + 4;
      word = 3;
    } else {
      for (char *part = strtok(words[index + 1], " "); part && word < MOST_WORDS - 1; part = strtok(NULL, " "))
        lines[commands][word++] = part;
    }
    lines[commands++][word] = NULL;
  }
  const char *pause = getenv("INTERLEAVE_PAUSE");
  useconds_t wait = pause ? (useconds_t)atoi(pause) : 0;
  double *times = calloc((size_t)rounds * (size_t)commands, sizeof *times);
  double *ratios = calloc((size_t)rounds, sizeof *ratios);
  for (int command = 0; command < commands; command++) once(lines[command]);  // brings everything into the caches
  for (int round = 0; round < rounds; round++)
    for (int command = 0; command < commands; command++) {
      if (wait) usleep(wait);
      times[command * rounds + round] = once(lines[command]);
    }
  double *first = malloc((size_t)rounds * sizeof *first);
  memcpy(first, times, (size_t)rounds * sizeof *first);
  for (int command = 0; command < commands; command++) {
    double *mine = times + command * rounds;
    for (int round = 0; round < rounds; round++) ratios[round] = mine[round] / first[round];
    qsort(mine, (size_t)rounds, sizeof *mine, compare);
    qsort(ratios, (size_t)rounds, sizeof *ratios, compare);
    printf("%s\t%.3f\t%.3f\t%.3f\t%.2f\n", names[command], mine[0], mine[rounds / 2], mine[(rounds * 99) / 100],
           ratios[rounds / 2]);
  }
  return 0;
}
