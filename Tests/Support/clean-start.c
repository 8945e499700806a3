// Starts a program as a login shell would: no inherited descriptors but the first three, every signal at its default and
// unblocked. Test runners leave descriptors open and signals blocked, which a launcher hands on as it should.
//
//   clean-start PROGRAM [ARGUMENT...]
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **words) {
  if (count < 2) return 1;
  close_range(3, ~0U, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int signal_number = 1; signal_number < NSIG; signal_number++) signal(signal_number, SIG_DFL);
  execvp(words[1], words + 1);
  perror(words[1]);
  return 127;
}
