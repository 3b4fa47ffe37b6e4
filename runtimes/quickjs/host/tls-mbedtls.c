/* TLS and crypto by Mbed TLS 3.6. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "mbedtls/ecdsa.h"
#include "mbedtls/ecp.h"
#include "mbedtls/error.h"
#include "mbedtls/md.h"
#include "mbedtls/oid.h"
#include "mbedtls/psa_util.h"
#include "mbedtls/sha256.h"
#include "mbedtls/ssl.h"
#include "mbedtls/version.h"
#include "psa/crypto.h"
#include "host.h"
#include "tls.h"

struct tls {
  mbedtls_ssl_context ssl;
  int fd;
  int error;
  uint8_t address[16]; /* of a server that is known by its address */
  size_t address_length;
  double not_before_ms, not_after_ms;
};

/* As the library has them, but RSA in its old form before PSS: 3.6.6 offers PSS and then refuses it within TLS 1.2, where servers
   take what is offered first. TLS 1.3 knows only PSS. */
static const uint16_t signature_algorithms[] = {
  MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384, MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512,
  MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
  MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256, MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384, MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
  MBEDTLS_TLS1_3_SIG_NONE,
};
static mbedtls_ssl_config config;
static mbedtls_x509_crt authorities;
static bool have_authorities;

static int rng(void *data, unsigned char *to, size_t length) {
  random_bytes(to, length);
  return 0;
}

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context, uint8_t *to, size_t room, size_t *length) {
  random_bytes(to, room);
  *length = room;
  return PSA_SUCCESS;
}

/* Days since 1970 of a date of the Gregorian calendar, counted in years that begin in March. */
static double ms_since_1970(const mbedtls_x509_time *time) {
  int month = (time->mon + 9) % 12, year = time->year - (month > 9), day = time->day;
  double days = 365.0 * year + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1 - 719468;
  return (((days * 24 + time->hour) * 60 + time->min) * 60 + time->sec) * 1000;
}

static bool is_for_address(const mbedtls_x509_crt *certificate, const struct tls *tls) {
  for (const mbedtls_x509_sequence *at = &certificate->subject_alt_names; at != NULL; at = at->next) {
    if (at->buf.tag != (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_IP_ADDRESS)) continue;
    if (at->buf.len == tls->address_length && memcmp(at->buf.p, tls->address, at->buf.len) == 0) return true;
  }
  return false;
}

/* Called for each certificate of the verified chain, the server's own last. What the library leaves open is closed here: it
   takes the common name of a certificate without alternative names, which RFC 9525 §2 forbids, and addresses are for us. */
static int look_at(void *data, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
  struct tls *tls = data;
  double from = ms_since_1970(&certificate->valid_from), to = ms_since_1970(&certificate->valid_to);
  if (from > tls->not_before_ms) tls->not_before_ms = from;
  if (to < tls->not_after_ms) tls->not_after_ms = to;
  if (depth > 0) return 0;
  bool named = mbedtls_x509_crt_has_ext_type(certificate, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME);
  if (!named || (tls->address_length > 0 && !is_for_address(certificate, tls))) *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
  return 0;
}

int tls_trust(const uint8_t *pem, size_t length) {
  mbedtls_x509_crt read;
  mbedtls_x509_crt_init(&read);
  char *text = malloc(length + 1);
  if (text == NULL) return 0;
  memcpy(text, pem, length);
  text[length] = 0; /* by which the library knows PEM */
  mbedtls_x509_crt_parse(&read, (unsigned char *)text, length + 1); /* those that it cannot read are left out */
  free(text);
  int count = 0;
  for (mbedtls_x509_crt *at = &read; at != NULL; at = at->next) count += at->raw.p != NULL;
  if (count == 0) {
    mbedtls_x509_crt_free(&read);
    return 0;
  }
  mbedtls_x509_crt_free(&authorities);
  authorities = read;
  have_authorities = true;
  return count;
}

static int send_bytes(void *data, const unsigned char *from, size_t length) {
  ssize_t put = send(((struct tls *)data)->fd, from, length, MSG_NOSIGNAL);
  if (put >= 0) return put;
  return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int receive_bytes(void *data, unsigned char *to, size_t room) {
  ssize_t got = recv(((struct tls *)data)->fd, to, room, 0);
  if (got >= 0) return got;
  return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
}

struct tls *tls_new(int fd, const char *host, const char **why) {
  struct tls *tls = have_authorities ? calloc(1, sizeof *tls) : NULL;
  if (tls == NULL) {
    *why = have_authorities ? "no memory" : "no certificate authorities were given";
    return NULL;
  }
  *tls = (struct tls){ .fd = fd, .not_before_ms = -1e18, .not_after_ms = 1e18 };
  struct address address;
  if (lookup_numeric(host, &address)) {
    memcpy(tls->address, address.bytes, address.length);
    tls->address_length = address.length;
  }
  mbedtls_ssl_conf_ca_chain(&config, &authorities, NULL);
  mbedtls_ssl_init(&tls->ssl);
  /* An address is not sent as a name (RFC 6066 §3); what it is checked against is ours then. */
  if (mbedtls_ssl_setup(&tls->ssl, &config) || mbedtls_ssl_set_hostname(&tls->ssl, tls->address_length > 0 ? NULL : host)) {
    tls_free(tls);
    *why = "TLS could not be set up";
    return NULL;
  }
  mbedtls_ssl_set_verify(&tls->ssl, look_at, tls);
  mbedtls_ssl_set_bio(&tls->ssl, tls, send_bytes, receive_bytes, NULL);
  return tls;
}

static enum tls_outcome outcome(struct tls *tls, int result) {
  switch (result) {
    case 0: return TLS_DONE;
    case MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET:
    case MBEDTLS_ERR_SSL_WANT_READ: return TLS_WANTS_READ;
    case MBEDTLS_ERR_SSL_WANT_WRITE: return TLS_WANTS_WRITE;
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY: return TLS_ENDED;
    default:
      tls->error = result;
      return TLS_FAILED;
  }
}

enum tls_outcome tls_handshake(struct tls *tls) {
  enum tls_outcome result = outcome(tls, mbedtls_ssl_handshake(&tls->ssl));
  /* Cannot be: the mode is REQUIRED. A mistake here would be one too many. */
  if (result == TLS_DONE && mbedtls_ssl_get_verify_result(&tls->ssl) != 0) return outcome(tls, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
  return result == TLS_ENDED ? outcome(tls, MBEDTLS_ERR_SSL_CONN_EOF) : result;
}

enum tls_outcome tls_read(struct tls *tls, uint8_t *to, size_t room, size_t *got) {
  int result;
  do result = mbedtls_ssl_read(&tls->ssl, to, room);
  while (result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
  if (result == 0) return outcome(tls, MBEDTLS_ERR_SSL_CONN_EOF);
  *got = result > 0 ? result : 0;
  return result > 0 ? TLS_DONE : outcome(tls, result);
}

enum tls_outcome tls_write(struct tls *tls, const uint8_t *from, size_t length, size_t *put) {
  int result = mbedtls_ssl_write(&tls->ssl, from, length);
  *put = result > 0 ? result : 0;
  return result >= 0 ? TLS_DONE : outcome(tls, result);
}

bool tls_has_bytes(struct tls *tls) {
  return mbedtls_ssl_check_pending(&tls->ssl) != 0;
}

void tls_times(const struct tls *tls, double *not_before_ms, double *not_after_ms) {
  *not_before_ms = tls->not_before_ms;
  *not_after_ms = tls->not_after_ms;
}

const char *tls_failure(struct tls *tls) {
  uint32_t flags = mbedtls_ssl_get_verify_result(&tls->ssl);
  bool of_certificate = tls->error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || tls->error == MBEDTLS_ERR_SSL_BAD_CERTIFICATE;
  if (of_certificate && flags != 0 && flags != UINT32_MAX) {
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) return "no authority that we trust vouches for the certificate";
    if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) return "the certificate is for another host";
    return "the certificate is not good for a server";
  }
  if (tls->error == MBEDTLS_ERR_SSL_CONN_EOF) return "the connection was cut";
  if (tls->error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) return "the server ended the TLS connection with an alert";
  static char text[120];
  mbedtls_strerror(tls->error, text, sizeof text);
  return text;
}

void tls_free(struct tls *tls) {
  if (tls == NULL) return;
  mbedtls_ssl_free(&tls->ssl);
  free(tls);
}

void crypto_setup(void) {
  if (psa_crypto_init() != PSA_SUCCESS) abort();
  mbedtls_ssl_config_init(&config);
  mbedtls_x509_crt_init(&authorities);
  if (mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT)) abort();
  mbedtls_ssl_conf_rng(&config, rng, NULL);
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_sig_algs(&config, signature_algorithms);
  mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
}

const char *crypto_name(void) {
  return MBEDTLS_VERSION_STRING_FULL;
}

void crypto_sha256(const uint8_t *message, size_t length, uint8_t digest[32]) {
  if (mbedtls_sha256(message, length, digest, 0)) abort();
}

void crypto_hmac_sha256(const uint8_t *key, size_t key_length, const uint8_t *message, size_t length, uint8_t digest[32]) {
  if (mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, key_length, message, length, digest)) abort();
}

/* What a calculation on the curve needs; made for each, since the curve's own tables are constants. */
struct p256 { mbedtls_ecp_group group; mbedtls_ecp_point point; mbedtls_mpi d, r, s; };

static bool p256_begin(struct p256 *p) {
  mbedtls_ecp_group_init(&p->group);
  mbedtls_ecp_point_init(&p->point);
  mbedtls_mpi_init(&p->d);
  mbedtls_mpi_init(&p->r);
  mbedtls_mpi_init(&p->s);
  return mbedtls_ecp_group_load(&p->group, MBEDTLS_ECP_DP_SECP256R1) == 0;
}

static bool p256_end(struct p256 *p, bool well) {
  mbedtls_mpi_free(&p->s);
  mbedtls_mpi_free(&p->r);
  mbedtls_mpi_free(&p->d);
  mbedtls_ecp_point_free(&p->point);
  mbedtls_ecp_group_free(&p->group);
  return well;
}

static bool take_d(struct p256 *p, const uint8_t d[32]) {
  return p256_begin(p) && !mbedtls_mpi_read_binary(&p->d, d, 32) && !mbedtls_ecp_check_privkey(&p->group, &p->d);
}

bool crypto_p256_point(const uint8_t d[32], uint8_t point[65]) {
  struct p256 p;
  size_t length;
  bool well = take_d(&p, d) && !mbedtls_ecp_mul(&p.group, &p.point, &p.d, &p.group.G, rng, NULL)
    && !mbedtls_ecp_point_write_binary(&p.group, &p.point, MBEDTLS_ECP_PF_UNCOMPRESSED, &length, point, 65) && length == 65;
  return p256_end(&p, well);
}

bool crypto_p256_sign(const uint8_t d[32], const uint8_t *message, size_t length, uint8_t signature[64]) {
  struct p256 p;
  uint8_t digest[32];
  crypto_sha256(message, length, digest);
  bool well = take_d(&p, d) && !mbedtls_ecdsa_sign_det_ext(&p.group, &p.r, &p.s, &p.d, digest, sizeof digest, MBEDTLS_MD_SHA256, rng, NULL)
    && !mbedtls_mpi_write_binary(&p.r, signature, 32) && !mbedtls_mpi_write_binary(&p.s, signature + 32, 32);
  return p256_end(&p, well);
}

bool crypto_p256_verify(const uint8_t point[65], const uint8_t *message, size_t length, const uint8_t signature[64]) {
  struct p256 p;
  uint8_t digest[32];
  crypto_sha256(message, length, digest);
  bool well = p256_begin(&p) && !mbedtls_ecp_point_read_binary(&p.group, &p.point, point, 65) && !mbedtls_ecp_check_pubkey(&p.group, &p.point)
    && !mbedtls_mpi_read_binary(&p.r, signature, 32) && !mbedtls_mpi_read_binary(&p.s, signature + 32, 32)
    && !mbedtls_ecdsa_verify(&p.group, digest, sizeof digest, &p.point, &p.r, &p.s);
  return p256_end(&p, well);
}
