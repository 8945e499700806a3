#include "CLinux.h"

#include <time.h>

void apus_syslog_time(char text[16]) {
  time_t now = time(NULL);
  struct tm parts;
  text[0] = '\0';
  // The names of months are those of the C locale, which is a program's own until it asks for another.
  if (localtime_r(&now, &parts)) strftime(text, 16, "%b %e %H:%M:%S", &parts);
}
