/* process-cost ROUNDS COMMAND... -- MODULE...: runs the command with each module in a fresh process, in turn, ROUNDS times, and
   prints a line for each process: index of the module, microseconds of CPU until its first output (its end, where there is
   none), kilobytes at its largest. CPU and not the clock, so that what else the machine does counts less; these programs wait
   for nothing. Not by fork(), whose copy of this process would count too. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_WORDS = 8 };
extern char **environ;

/* Up to the moment that the pipe has something or is at its end; a process that has ended keeps its clock until it is waited for. */
static long micros_to_output(pid_t child, int output) {
  char buffer[4096];
  clockid_t clock;
  struct timespec used;
  ssize_t got = read(output, buffer, sizeof buffer);
  if (got < 0 || clock_getcpuclockid(child, &clock) != 0 || clock_gettime(clock, &used) != 0) return -1;
  while (got > 0) got = read(output, buffer, sizeof buffer);
  return used.tv_sec * 1000000L + used.tv_nsec / 1000;
}

static int run(char **words, int index) {
  int ends[2], status;
  pid_t child;
  struct rusage used;
  posix_spawn_file_actions_t actions;
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  int failed = posix_spawn(&child, words[0], &actions, NULL, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  long micros = failed ? -1 : micros_to_output(child, ends[0]);
  close(ends[0]);
  if (failed || wait4(child, &status, 0, &used) < 0 || status != 0 || micros < 0) return -1;
  printf("%d %ld %ld\n", index, micros, used.ru_maxrss);
  return 0;
}

int main(int argc, char **argv) {
  char *words[MOST_WORDS + 2] = {NULL};
  int first = 2;
  for (; first < argc && strcmp(argv[first], "--") != 0; first++) {
    if (first - 2 == MOST_WORDS) return 2;
    words[first - 2] = argv[first];
  }
  if (first == 2 || ++first >= argc) return 2;
  for (int round = atoi(argv[1]); round > 0; round--) {
    for (int at = first; at < argc; at++) {
      words[first - 3] = argv[at];
      if (run(words, at - first) == 0) continue;
      fprintf(stderr, "%s failed\n", argv[at]);
      return 1;
    }
  }
  return 0;
}
