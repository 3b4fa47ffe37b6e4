/* process-cost ROUNDS ENGINE MODULE...: runs each module in a fresh process, in turn, ROUNDS times, and prints a line for
   each process: index of the module, microseconds of CPU, kilobytes at its largest. CPU and not the clock, so that what else
   the machine does counts less; these programs wait for nothing. Not by fork(), whose copy of this process would count too. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
  for (int round = atoi(argv[1]); round > 0; round--) {
    for (int at = 3; at < argc; at++) {
      pid_t child;
      char *arguments[] = {argv[2], argv[at], NULL};
      int status;
      struct rusage used;
      if (posix_spawn(&child, argv[2], &quiet, NULL, arguments, environ) != 0 || wait4(child, &status, 0, &used) < 0) return 1;
      if (status != 0) {
        fprintf(stderr, "%s failed\n", argv[at]);
        return 1;
      }
      long micros = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
      printf("%d %ld %ld\n", at - 3, micros, used.ru_maxrss);
    }
  }
  return 0;
}
