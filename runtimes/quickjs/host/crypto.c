/* Randomness from the kernel, hashes and P-256 from the TLS library. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include "host.h"
#include "tls.h"

enum { MAX_RANDOM_BYTES = 65536 };

void random_bytes(void *to, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t got = getrandom((uint8_t *)to + done, length - done, 0);
    if (got > 0) done += got;
    else if (got < 0 && errno != EINTR) {
      perror("getrandom");
      abort(); /* nothing here is safe without it */
    }
  }
}

/* randomBytes(length): ArrayBuffer */
static JSValue random_js(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  uint32_t length;
  if (JS_ToUint32(ctx, &length, argv[0])) return JS_EXCEPTION;
  if (length > MAX_RANDOM_BYTES) return JS_ThrowRangeError(ctx, "too many random bytes at once");
  uint8_t *bytes = malloc(length + 1);
  if (bytes == NULL) return JS_ThrowOutOfMemory(ctx);
  random_bytes(bytes, length);
  JSValue result = JS_NewArrayBufferCopy(ctx, bytes, length);
  free(bytes);
  return result;
}

/* The arguments as byte arrays, those with a wanted length of just that. @returns false with an exception */
static bool take_bytes(JSContext *ctx, JSValueConst *argv, int count, const size_t *wanted, const uint8_t **bytes, size_t *lengths) {
  for (int at = 0; at < count; at++) {
    bytes[at] = bytes_of(ctx, argv[at], &lengths[at]);
    if (bytes[at] == NULL) return false;
    if (wanted[at] != 0 && lengths[at] != wanted[at]) {
      JS_ThrowRangeError(ctx, "argument %d has the wrong length", at + 1);
      return false;
    }
  }
  return true;
}

/* sha256(message): ArrayBuffer */
static JSValue sha256(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const uint8_t *bytes[1];
  size_t lengths[1];
  uint8_t digest[32];
  if (!take_bytes(ctx, argv, 1, (size_t[]){ 0 }, bytes, lengths)) return JS_EXCEPTION;
  crypto_sha256(bytes[0], lengths[0], digest);
  return JS_NewArrayBufferCopy(ctx, digest, sizeof digest);
}

/* hmacSha256(key, message): ArrayBuffer */
static JSValue hmac_sha256(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const uint8_t *bytes[2];
  size_t lengths[2];
  uint8_t digest[32];
  if (!take_bytes(ctx, argv, 2, (size_t[]){ 0, 0 }, bytes, lengths)) return JS_EXCEPTION;
  crypto_hmac_sha256(bytes[0], lengths[0], bytes[1], lengths[1], digest);
  return JS_NewArrayBufferCopy(ctx, digest, sizeof digest);
}

/* p256PublicPoint(d): ArrayBuffer, 65 bytes */
static JSValue p256_point(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const uint8_t *bytes[1];
  size_t lengths[1];
  uint8_t point[65];
  if (!take_bytes(ctx, argv, 1, (size_t[]){ 32 }, bytes, lengths)) return JS_EXCEPTION;
  if (!crypto_p256_point(bytes[0], point)) return JS_ThrowRangeError(ctx, "not a private key of P-256");
  return JS_NewArrayBufferCopy(ctx, point, sizeof point);
}

/* p256Sign(d, message): ArrayBuffer, R then S */
static JSValue p256_sign(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const uint8_t *bytes[2];
  size_t lengths[2];
  uint8_t signature[64];
  if (!take_bytes(ctx, argv, 2, (size_t[]){ 32, 0 }, bytes, lengths)) return JS_EXCEPTION;
  if (!crypto_p256_sign(bytes[0], bytes[1], lengths[1], signature)) return JS_ThrowRangeError(ctx, "not a private key of P-256");
  return JS_NewArrayBufferCopy(ctx, signature, sizeof signature);
}

/* p256Verify(point, message, signature): boolean */
static JSValue p256_verify(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const uint8_t *bytes[3];
  size_t lengths[3];
  if (!take_bytes(ctx, argv, 3, (size_t[]){ 65, 0, 64 }, bytes, lengths)) return JS_EXCEPTION;
  return JS_NewBool(ctx, crypto_p256_verify(bytes[0], bytes[1], lengths[1], bytes[2]));
}

/* trust(pem): number of certificates */
static JSValue trust(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const uint8_t *bytes[1];
  size_t lengths[1];
  if (!take_bytes(ctx, argv, 1, (size_t[]){ 0 }, bytes, lengths)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, tls_trust(bytes[0], lengths[0]));
}

void add_crypto(JSContext *ctx, JSValueConst board) {
  crypto_setup();
  JS_SetPropertyStr(ctx, board, "randomBytes", JS_NewCFunction(ctx, random_js, "randomBytes", 1));
  JS_SetPropertyStr(ctx, board, "trust", JS_NewCFunction(ctx, trust, "trust", 1));
  JSValue crypto = JS_NewObject(ctx);
  JS_SetPropertyStr(ctx, crypto, "name", JS_NewString(ctx, crypto_name()));
  JS_SetPropertyStr(ctx, crypto, "sha256", JS_NewCFunction(ctx, sha256, "sha256", 1));
  JS_SetPropertyStr(ctx, crypto, "hmacSha256", JS_NewCFunction(ctx, hmac_sha256, "hmacSha256", 2));
  JS_SetPropertyStr(ctx, crypto, "p256PublicPoint", JS_NewCFunction(ctx, p256_point, "p256PublicPoint", 1));
  JS_SetPropertyStr(ctx, crypto, "p256Sign", JS_NewCFunction(ctx, p256_sign, "p256Sign", 2));
  JS_SetPropertyStr(ctx, crypto, "p256Verify", JS_NewCFunction(ctx, p256_verify, "p256Verify", 3));
  JS_SetPropertyStr(ctx, board, "crypto", crypto);
}
