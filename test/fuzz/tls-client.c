/* What a server sends to the host's TLS client, from its first byte on. Chance is the same each time, so that what real servers once
   answered (authority.pem, corpus/tls-client) goes all the way, and what is changed in it must not: whoever is believed, their bytes are
   those that were sent. `LENSKEY_RECORD=PORT:FILE` writes down what a server on loopback answers, `LENSKEY_TELL=1` tells
   of each connection that went all the way. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host.h"
#include "tls.h"
#include "check.h"

/* What the servers of the corpus say, and then close. */
static const char said[] = "a server that is who it says";
static uint64_t state;

void random_bytes(void *to, size_t length) {
  uint8_t *at = to;
  while (length-- > 0) *at++ = (state = state * 6364136223846793005u + 1442695040888963407u) >> 56;
}

/* @returns how the connection went */
static enum tls_outcome talk(int fd) {
  const char *why;
  uint8_t buffer[16384];
  size_t got = 0, whole = 0, put;
  enum tls_outcome outcome;
  state = 1;
  struct tls *tls = tls_new(fd, "localhost", &why);
  CHECK(tls != NULL);
  while ((outcome = tls_handshake(tls)) == TLS_WANTS_WRITE) continue;
  if (outcome == TLS_DONE) {
    double from, to;
    tls_times(tls, &from, &to);
    CHECK(from > 1.6e12 && from < to && to < 5e12);
    tls_write(tls, (const uint8_t *)"hello", 5, &put);
    while ((outcome = tls_read(tls, buffer, sizeof buffer, &got)) == TLS_DONE) {
      CHECK(got > 0 && whole + got <= strlen(said) && memcmp(buffer, said + whole, got) == 0);
      whole += got;
      tls_has_bytes(tls);
    }
    CHECK(outcome != TLS_ENDED || whole == strlen(said));
    if (outcome == TLS_ENDED && getenv("LENSKEY_TELL") != NULL) puts("all the way");
  }
  if (outcome == TLS_FAILED) CHECK(tls_failure(tls)[0] != 0);
  tls_free(tls);
  return outcome;
}

/* Between client and server, until both are done. */
static void record(const char *place) {
  int port, ends[2], client, server = socket(AF_INET, SOCK_STREAM, 0);
  char file[200];
  CHECK(sscanf(place, "%d:%199s", &port, file) == 2);
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  CHECK(connect(server, (struct sockaddr *)&at, sizeof at) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  if ((client = fork()) == 0) _exit(talk(ends[0]) == TLS_ENDED ? 0 : 1);
  close(ends[0]);
  FILE *out = fopen(file, "wb");
  uint8_t buffer[16384];
  if (fork() == 0) {
    for (ssize_t got; (got = read(ends[1], buffer, sizeof buffer)) > 0;) if (write(server, buffer, got) != got) break;
    _exit(0);
  }
  for (ssize_t got; (got = read(server, buffer, sizeof buffer)) > 0;) {
    fwrite(buffer, 1, got, out);
    if (write(ends[1], buffer, got) != got) break;
  }
  fclose(out);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static uint8_t pem[65536];
  FILE *authorities = fopen("test/fuzz/authority.pem", "rb");
  CHECK(authorities != NULL);
  crypto_setup();
  CHECK(tls_trust(pem, fread(pem, 1, sizeof pem, authorities)) == 1);
  fclose(authorities);
  if (getenv("LENSKEY_RECORD") != NULL) {
    record(getenv("LENSKEY_RECORD"));
    exit(0);
  }
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  if (size > 65536 || write(ends[1], data, size) != (ssize_t)size) size = 0;
  shutdown(ends[1], SHUT_WR);
  if (size > 0) CHECK(talk(ends[0]) != TLS_WANTS_READ);
  close(ends[0]);
  close(ends[1]);
  return 0;
}
