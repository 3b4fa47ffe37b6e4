/* What the host's P-256 makes of a public point, a message and a signature from the network. First the bytes as they are, then a
   signature of our own, in which the input says what is changed: nothing, and it is right; anything, and it is not. */
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include "host.h"
#include "tls.h"
#include "check.h"

enum { POINT = 65, SIGNATURE = 64, SECRET = 32, MOST_MESSAGE = 200 };

void random_bytes(void *to, size_t length) {
  CHECK(getrandom(to, length, 0) == (ssize_t)length);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  crypto_setup();
  return 0;
}

/* Exclusive or, as far as there is any. @returns whether something is other than before */
static bool change(uint8_t *bytes, size_t length, const uint8_t **data, size_t *size) {
  bool changed = false;
  for (size_t at = 0; at < length && *size > 0; at++, (*data)++, (*size)--) {
    bytes[at] ^= **data;
    changed |= **data != 0;
  }
  return changed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < POINT + SIGNATURE) return 0;
  const uint8_t *message = data + POINT + SIGNATURE;
  size_t length = size - POINT - SIGNATURE;
  /* Copies of just their length, so that a sanitizer sees what is read beyond. */
  uint8_t *point = malloc(POINT), *signature = malloc(SIGNATURE), *text = malloc(MOST_MESSAGE);
  CHECK(point != NULL && signature != NULL && text != NULL);
  memcpy(point, data, POINT);
  memcpy(signature, data + POINT, SIGNATURE);
  crypto_p256_verify(point, message, length, signature);

  uint8_t secret[SECRET];
  memcpy(secret, data, SECRET);
  if (length > MOST_MESSAGE) length = MOST_MESSAGE;
  memcpy(text, message, length);
  if (crypto_p256_point(secret, point)) {
    CHECK(crypto_p256_sign(secret, text, length, signature));
    CHECK(crypto_p256_verify(point, text, length, signature));
    const uint8_t *changes = data + SECRET;
    size_t left = size - SECRET;
    bool changed = change(signature, SIGNATURE, &changes, &left);
    changed |= change(point, POINT, &changes, &left);
    changed |= change(text, length, &changes, &left);
    CHECK(crypto_p256_verify(point, text, length, signature) == !changed);
  } else {
    CHECK(!crypto_p256_sign(secret, text, length, signature));
  }
  free(point);
  free(signature);
  free(text);
  return 0;
}
