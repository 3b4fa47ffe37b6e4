/* process-cost ROUNDS ENGINE MODULE...: runs each module in a fresh process, in turn, ROUNDS times, and prints a line for
   each process: index of the module, microseconds of CPU, kilobytes at its largest. CPU and not the clock, so that what else
   the machine does counts less; these programs wait for nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  for (int round = atoi(argv[1]); round > 0; round--) {
    for (int at = 3; at < argc; at++) {
      pid_t child = fork();
      if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), 1);
        execl(argv[2], argv[2], argv[at], (char *)NULL);
        _exit(127);
      }
      int status;
      struct rusage used;
      if (child < 0 || wait4(child, &status, 0, &used) < 0) return 1;
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
