/* Names to addresses. getaddrinfo blocks, and in a static program it may load name services of the board's own C library,
   which can crash. So each look-up is a forked process that writes its answer into a pipe: it cannot hold up the loop, what
   it leaks or breaks goes with it, and it is ended when nobody wants the answer any more. A thread would do none of that. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host.h"

bool lookup_numeric(const char *host, struct address *address) {
  address->length = inet_pton(AF_INET, host, address->bytes) == 1 ? 4 : inet_pton(AF_INET6, host, address->bytes) == 1 ? 16 : 0;
  return address->length != 0;
}

static void answer(const char *host, int pipe) {
  struct addrinfo wanted = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *found;
  struct address addresses[MAX_ADDRESSES];
  int count = 0;
  memset(addresses, 0, sizeof addresses);
  int failed = getaddrinfo(host, NULL, &wanted, &found);
  if (failed) {
    /* A machine with nothing but its loopback interface has no address of a family by AI_ADDRCONFIG. */
    wanted.ai_flags = 0;
    failed = getaddrinfo(host, NULL, &wanted, &found);
  }
  for (struct addrinfo *at = failed ? NULL : found; at != NULL && count < MAX_ADDRESSES; at = at->ai_next) {
    bool is4 = at->ai_family == AF_INET;
    if (!is4 && at->ai_family != AF_INET6) continue;
    struct address *to = &addresses[count++];
    to->length = is4 ? 4 : 16;
    memcpy(to->bytes, is4 ? (void *)&((struct sockaddr_in *)at->ai_addr)->sin_addr : (void *)&((struct sockaddr_in6 *)at->ai_addr)->sin6_addr, to->length);
  }
  /* Less than PIPE_BUF, so it is written whole. */
  if (write(pipe, addresses, count * sizeof *addresses) < 0) _exit(1);
}

bool lookup_start(const char *host, struct lookup *lookup) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  int pid = fork();
  if (pid == 0) {
    /* The parent's signals are not ours to handle, its sockets not ours to keep open. */
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    if (ends[1] != 3) dup2(ends[1], 3);
    for (int fd = 4; fd < 1024; fd++) close(fd);
    answer(host, 3);
    _exit(0);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return false;
  }
  *lookup = (struct lookup){ pid, ends[0] };
  return true;
}

static void reap(struct lookup *lookup) {
  close(lookup->pipe);
  while (waitpid(lookup->pid, NULL, 0) < 0 && errno == EINTR) continue;
  lookup->pid = 0;
}

int lookup_finish(struct lookup *lookup, struct address *addresses) {
  ssize_t length = read(lookup->pipe, addresses, MAX_ADDRESSES * sizeof *addresses);
  reap(lookup);
  return length > 0 && length % sizeof *addresses == 0 ? length / sizeof *addresses : 0;
}

void lookup_cancel(struct lookup *lookup) {
  if (lookup->pid <= 0) return;
  kill(lookup->pid, SIGKILL);
  reap(lookup);
}
