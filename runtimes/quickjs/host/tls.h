/* A TLS client as the host needs it, and the crypto that its library brings along: tls-mbedtls.c or tls-openssl.c. */
#ifndef LENSKEY_TLS_H
#define LENSKEY_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls;

enum tls_outcome { TLS_DONE, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_ENDED, TLS_FAILED };

/* The authorities that servers' certificates must lead to; replaces those before. @returns how many, 0 when it holds none */
int tls_trust(const uint8_t *pem, size_t length);

/* Speaks on a connected socket. `host` is a name or the text of an address; both are checked against the certificate's
   subjectAltName, and a name is also sent (SNI). @returns NULL with *why set */
struct tls *tls_new(int fd, const char *host, const char **why);
enum tls_outcome tls_handshake(struct tls *tls);
/* TLS_DONE: *got bytes, more than 0. TLS_ENDED: the peer said that it is done. A connection that is cut is TLS_FAILED. */
enum tls_outcome tls_read(struct tls *tls, uint8_t *to, size_t room, size_t *got);
/* After TLS_WANTS_WRITE it has to be called again with the same bytes and length. */
enum tls_outcome tls_write(struct tls *tls, const uint8_t *from, size_t length, size_t *put);
/* Whether bytes wait in here that poll knows nothing of. */
bool tls_has_bytes(struct tls *tls);
/* When all certificates of the verified chain are valid, in ms since 1970. The library has not compared them with a clock. */
void tls_times(const struct tls *tls, double *not_before_ms, double *not_after_ms);
/* What went wrong, for people. */
const char *tls_failure(struct tls *tls);
void tls_free(struct tls *tls);

void crypto_setup(void);
void crypto_sha256(const uint8_t *message, size_t length, uint8_t digest[32]);
void crypto_hmac_sha256(const uint8_t *key, size_t key_length, const uint8_t *message, size_t length, uint8_t digest[32]);
bool crypto_p256_point(const uint8_t d[32], uint8_t point[65]);
bool crypto_p256_sign(const uint8_t d[32], const uint8_t *message, size_t length, uint8_t signature[64]);
bool crypto_p256_verify(const uint8_t point[65], const uint8_t *message, size_t length, const uint8_t signature[64]);
const char *crypto_name(void);

#endif
