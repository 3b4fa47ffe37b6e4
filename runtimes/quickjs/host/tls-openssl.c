/* TLS and crypto by OpenSSL 3. */
#define OPENSSL_SUPPRESS_DEPRECATED /* plain P-256 numbers have no other short way in */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "host.h"
#include "tls.h"

struct tls {
  SSL *ssl;
  const char *failure;
};

static SSL_CTX *config;
static bool have_authorities;

int tls_trust(const uint8_t *pem, size_t length) {
  BIO *bio = BIO_new_mem_buf(pem, length);
  X509_STORE *store = X509_STORE_new();
  int count = 0;
  for (X509 *read; (read = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; X509_free(read)) count += X509_STORE_add_cert(store, read);
  BIO_free(bio);
  ERR_clear_error();
  if (count == 0) X509_STORE_free(store);
  else SSL_CTX_set_cert_store(config, store);
  have_authorities |= count > 0;
  return count;
}

struct tls *tls_new(int fd, const char *host, const char **why) {
  struct tls *tls = have_authorities ? calloc(1, sizeof *tls) : NULL;
  *why = have_authorities ? "no memory" : "no certificate authorities were given";
  if (tls == NULL) return NULL;
  struct address address;
  bool by_address = lookup_numeric(host, &address);
  tls->ssl = SSL_new(config);
  X509_VERIFY_PARAM *checked = tls->ssl == NULL ? NULL : SSL_get0_param(tls->ssl);
  /* An address is not sent as a name (RFC 6066 §3). */
  if (checked == NULL || !SSL_set_fd(tls->ssl, fd)
      || !(by_address ? X509_VERIFY_PARAM_set1_ip(checked, address.bytes, address.length) : X509_VERIFY_PARAM_set1_host(checked, host, 0))
      || (!by_address && !SSL_set_tlsext_host_name(tls->ssl, host))) {
    tls_free(tls);
    return NULL;
  }
  X509_VERIFY_PARAM_set_hostflags(checked, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  SSL_set_connect_state(tls->ssl);
  return tls;
}

static enum tls_outcome outcome(struct tls *tls, int result) {
  switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ: return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN: return TLS_ENDED;
    default: {
      unsigned long error = ERR_peek_error();
      long verified = SSL_get_verify_result(tls->ssl);
      int reason = ERR_GET_REASON(error);
      if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH) tls->failure = "the certificate is for another host";
      else if (verified == X509_V_ERR_INVALID_PURPOSE) tls->failure = "the certificate is not good for a server";
      else if (verified != X509_V_OK) tls->failure = "no authority that we trust vouches for the certificate";
      else if (error == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) tls->failure = "the connection was cut";
      else if (reason > SSL_AD_REASON_OFFSET) tls->failure = "the server ended the TLS connection with an alert";
      else tls->failure = ERR_reason_error_string(error) ? ERR_reason_error_string(error) : "TLS failed";
      ERR_clear_error();
      return TLS_FAILED;
    }
  }
}

enum tls_outcome tls_handshake(struct tls *tls) {
  ERR_clear_error();
  int result = SSL_do_handshake(tls->ssl);
  if (result != 1) {
    enum tls_outcome found = outcome(tls, result);
    if (found != TLS_ENDED) return found;
    tls->failure = "the connection was cut";
    return TLS_FAILED;
  }
  if (SSL_get_verify_result(tls->ssl) == X509_V_OK && SSL_get0_verified_chain(tls->ssl) != NULL) return TLS_DONE;
  tls->failure = "the certificate was not verified";
  return TLS_FAILED;
}

enum tls_outcome tls_read(struct tls *tls, uint8_t *to, size_t room, size_t *got) {
  ERR_clear_error();
  int result = SSL_read_ex(tls->ssl, to, room, got);
  return result == 1 ? TLS_DONE : outcome(tls, result);
}

enum tls_outcome tls_write(struct tls *tls, const uint8_t *from, size_t length, size_t *put) {
  *put = 0;
  ERR_clear_error();
  int result = SSL_write_ex(tls->ssl, from, length, put);
  return result == 1 ? TLS_DONE : outcome(tls, result);
}

bool tls_has_bytes(struct tls *tls) {
  return SSL_has_pending(tls->ssl) == 1;
}

static double ms_of(const ASN1_TIME *time) {
  int days = 0, seconds = 0;
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  ASN1_TIME_diff(&days, &seconds, epoch, time);
  ASN1_TIME_free(epoch);
  return (days * 86400.0 + seconds) * 1000;
}

void tls_times(const struct tls *tls, double *not_before_ms, double *not_after_ms) {
  STACK_OF(X509) *chain = SSL_get0_verified_chain(tls->ssl);
  *not_before_ms = -1e18;
  *not_after_ms = 1e18;
  for (int at = 0; at < sk_X509_num(chain); at++) {
    double from = ms_of(X509_get0_notBefore(sk_X509_value(chain, at))), to = ms_of(X509_get0_notAfter(sk_X509_value(chain, at)));
    if (from > *not_before_ms) *not_before_ms = from;
    if (to < *not_after_ms) *not_after_ms = to;
  }
}

const char *tls_failure(struct tls *tls) {
  return tls->failure ? tls->failure : "TLS failed";
}

void tls_free(struct tls *tls) {
  if (tls == NULL) return;
  SSL_free(tls->ssl);
  free(tls);
}

void crypto_setup(void) {
  config = SSL_CTX_new(TLS_client_method());
  if (config == NULL || !SSL_CTX_set_min_proto_version(config, TLS1_2_VERSION)) abort();
  SSL_CTX_set_verify(config, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_options(config, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(config, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(config, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  /* The system's clock may be the one that is wrong: the program compares the times (docs/time.md). */
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(config), X509_V_FLAG_NO_CHECK_TIME);
}

const char *crypto_name(void) {
  return OPENSSL_VERSION_TEXT;
}

void crypto_sha256(const uint8_t *message, size_t length, uint8_t digest[32]) {
  SHA256(message, length, digest);
}

void crypto_hmac_sha256(const uint8_t *key, size_t key_length, const uint8_t *message, size_t length, uint8_t digest[32]) {
  if (HMAC(EVP_sha256(), key_length > 0 ? (const void *)key : "", key_length, message, length, digest, NULL) == NULL) abort();
}

/* The key of a private number in range; NULL when it is none. */
static EC_KEY *key_of(const uint8_t d[32]) {
  EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  const EC_GROUP *group = EC_KEY_get0_group(key);
  BIGNUM *number = BN_secure_new();
  EC_POINT *point = EC_POINT_new(group);
  BN_bin2bn(d, 32, number);
  BN_set_flags(number, BN_FLG_CONSTTIME);
  bool well = !BN_is_zero(number) && BN_cmp(number, EC_GROUP_get0_order(group)) < 0
    && EC_POINT_mul(group, point, number, NULL, NULL, NULL) && EC_KEY_set_private_key(key, number) && EC_KEY_set_public_key(key, point);
  EC_POINT_free(point);
  BN_clear_free(number);
  if (well) return key;
  EC_KEY_free(key);
  return NULL;
}

bool crypto_p256_point(const uint8_t d[32], uint8_t point[65]) {
  EC_KEY *key = key_of(d);
  bool well = key != NULL && EC_POINT_point2oct(EC_KEY_get0_group(key), EC_KEY_get0_public_key(key), POINT_CONVERSION_UNCOMPRESSED, point, 65, NULL) == 65;
  EC_KEY_free(key);
  return well;
}

bool crypto_p256_sign(const uint8_t d[32], const uint8_t *message, size_t length, uint8_t signature[64]) {
  uint8_t digest[32];
  EC_KEY *key = key_of(d);
  SHA256(message, length, digest);
  ECDSA_SIG *signed_ = key == NULL ? NULL : ECDSA_do_sign(digest, sizeof digest, key);
  bool well = signed_ != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signed_), signature, 32) == 32 && BN_bn2binpad(ECDSA_SIG_get0_s(signed_), signature + 32, 32) == 32;
  ECDSA_SIG_free(signed_);
  EC_KEY_free(key);
  return well;
}

bool crypto_p256_verify(const uint8_t point[65], const uint8_t *message, size_t length, const uint8_t signature[64]) {
  uint8_t digest[32];
  EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  ECDSA_SIG *given = ECDSA_SIG_new();
  SHA256(message, length, digest);
  ECDSA_SIG_set0(given, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL));
  /* Of its own it takes the hybrid form too, in which a key has a second spelling. */
  bool well = point[0] == POINT_CONVERSION_UNCOMPRESSED && EC_KEY_oct2key(key, point, 65, NULL) == 1 && ECDSA_do_verify(digest, sizeof digest, given, key) == 1;
  ECDSA_SIG_free(given);
  EC_KEY_free(key);
  ERR_clear_error();
  return well;
}
