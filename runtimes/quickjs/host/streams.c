/* Byte streams: TCP with or without TLS, local sockets, and sockets that wait for others. Nothing is told to JavaScript from
   inside a call of its own: what happens at once is told by the next turn of the loop. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "host.h"
#include "tls.h"

enum {
  READ_BYTES = 16384, /* one TLS record */
  READS_A_TURN = 4, /* then others have their turn */
  MAX_QUEUED_BYTES = 4 << 20, /* more that a peer does not take ends the stream */
  MAX_HOST_BYTES = 255,
  ATTEMPT_MS = 4000, /* for one address, when there are others left */
};

enum state { LOOKING_UP, CONNECTING, SHAKING, OPEN, FAILED, ENDED, OVER, LISTENING };

struct stream {
  struct stream *next;
  enum state state;
  bool held; /* by an object of JavaScript */
  bool secure, write_broken, pollout;
  int fd;
  struct lookup lookup;
  struct address addresses[MAX_ADDRESSES];
  int address_count, next_address;
  uint16_t port;
  double attempt_until;
  char host[MAX_HOST_BYTES + 1];
  struct tls *tls;
  uint8_t *out; /* queued for the peer, from out_start to out_end */
  size_t out_start, out_end, out_room;
  size_t promised; /* the length that TLS has to be given again */
  char failure[160];
  JSValue handlers; /* of a listener: what it calls */
  size_t polled; /* where it stands in what was polled */
};

static struct stream *streams;
static JSClassID stream_class;

static void fail(struct stream *stream, const char *why) {
  if (stream->state >= FAILED) return;
  snprintf(stream->failure, sizeof stream->failure, "%s", why);
  stream->state = FAILED;
}

/* Gives back everything but the memory of the stream itself. */
static void let_go(JSContext *ctx, struct stream *stream) {
  stream->state = OVER;
  lookup_cancel(&stream->lookup);
  tls_free(stream->tls);
  stream->tls = NULL;
  if (stream->fd >= 0) close(stream->fd);
  stream->fd = -1;
  free(stream->out);
  stream->out = NULL;
  stream->out_start = stream->out_end = stream->out_room = 0;
  JSValue handlers = stream->handlers;
  stream->handlers = JS_UNDEFINED;
  JS_FreeValue(ctx, handlers);
}

static void sweep(void) {
  for (struct stream **at = &streams; *at != NULL;) {
    struct stream *stream = *at;
    if (stream->state != OVER || stream->held) {
      at = &stream->next;
      continue;
    }
    *at = stream->next;
    free(stream);
  }
}

/* Connecting */

static int local_connect(const char *path, int *fd) {
  struct sockaddr_un to = { .sun_family = AF_UNIX };
  if (strlen(path) >= sizeof to.sun_path) return errno = ENAMETOOLONG, -1;
  strcpy(to.sun_path, path);
  *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return *fd < 0 ? -1 : connect(*fd, (struct sockaddr *)&to, sizeof to);
}

static socklen_t socket_address(const struct address *address, uint16_t port, struct sockaddr_storage *to) {
  memset(to, 0, sizeof *to);
  if (address->length == 4) {
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    memcpy(&in->sin_addr, address->bytes, 4);
    return sizeof *in;
  }
  struct sockaddr_in6 *in = (struct sockaddr_in6 *)to;
  in->sin6_family = AF_INET6;
  in->sin6_port = htons(port);
  memcpy(&in->sin6_addr, address->bytes, 16);
  return sizeof *in;
}

/* The next address, or the end when there is none. */
static void try_next(struct stream *stream, const char *why) {
  while (stream->next_address < stream->address_count) {
    struct sockaddr_storage to;
    socklen_t length = socket_address(&stream->addresses[stream->next_address++], stream->port, &to);
    if (stream->fd >= 0) close(stream->fd);
    stream->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0) {
      why = strerror(errno);
      continue;
    }
    int on = 1;
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (connect(stream->fd, (struct sockaddr *)&to, length) == 0 || errno == EINPROGRESS) {
      stream->state = CONNECTING;
      stream->attempt_until = monotonic_ms() + ATTEMPT_MS;
      return;
    }
    why = strerror(errno);
  }
  fail(stream, why);
}

static void tell_opened(JSContext *ctx, struct stream *stream) {
  double from, to;
  stream->state = OPEN;
  if (stream->tls != NULL) tls_times(stream->tls, &from, &to);
  JSValue times[2] = { stream->tls ? JS_NewFloat64(ctx, from) : JS_UNDEFINED, stream->tls ? JS_NewFloat64(ctx, to) : JS_UNDEFINED };
  call_method(ctx, stream->handlers, "opened", 2, times);
}

static void shake(JSContext *ctx, struct stream *stream) {
  enum tls_outcome outcome = tls_handshake(stream->tls);
  stream->pollout = outcome == TLS_WANTS_WRITE;
  if (outcome == TLS_FAILED) fail(stream, tls_failure(stream->tls));
  else if (outcome == TLS_DONE) tell_opened(ctx, stream);
}

static void connected(JSContext *ctx, struct stream *stream) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) {
    try_next(stream, strerror(error));
    return;
  }
  if (!stream->secure) {
    tell_opened(ctx, stream);
    return;
  }
  const char *why;
  stream->state = SHAKING;
  stream->tls = tls_new(stream->fd, stream->host, &why);
  if (stream->tls == NULL) fail(stream, why);
  else shake(ctx, stream);
}

/* Bytes */

static void write_some(struct stream *stream) {
  while (stream->out_start < stream->out_end && !stream->write_broken) {
    size_t length = stream->out_end - stream->out_start, put = 0;
    if (stream->tls != NULL) {
      if (stream->promised > 0) length = stream->promised;
      enum tls_outcome outcome = tls_write(stream->tls, stream->out + stream->out_start, length, &put);
      stream->promised = outcome == TLS_DONE ? 0 : length;
      if (outcome == TLS_WANTS_WRITE || outcome == TLS_WANTS_READ) return;
      if (outcome != TLS_DONE) stream->write_broken = true;
    } else {
      ssize_t sent = send(stream->fd, stream->out + stream->out_start, length, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) return;
      if (sent < 0) stream->write_broken = true;
      else put = sent;
    }
    stream->out_start += put;
  }
  /* What the peer has sent before it went is still to be read; the end comes with that. */
  if (stream->write_broken || stream->out_start == stream->out_end) {
    free(stream->out);
    stream->out = NULL;
    stream->out_start = stream->out_end = stream->out_room = 0;
  }
}

static void read_some(JSContext *ctx, struct stream *stream) {
  static uint8_t buffer[READ_BYTES];
  for (int turn = 0; turn < READS_A_TURN && stream->state == OPEN; turn++) {
    size_t got = 0;
    if (stream->tls != NULL) {
      enum tls_outcome outcome = tls_read(stream->tls, buffer, sizeof buffer, &got);
      if (outcome == TLS_WANTS_READ || outcome == TLS_WANTS_WRITE) return;
      if (outcome == TLS_FAILED) fail(stream, tls_failure(stream->tls));
      if (outcome == TLS_ENDED) stream->state = ENDED;
    } else {
      ssize_t received = recv(stream->fd, buffer, sizeof buffer, 0);
      if (received < 0 && errno == EINTR) continue;
      if (received < 0 && errno == EAGAIN) return;
      if (received < 0) fail(stream, strerror(errno));
      else if (received == 0) stream->state = ENDED;
      else got = received;
    }
    if (got == 0) return;
    JSValue bytes = JS_NewArrayBufferCopy(ctx, buffer, got);
    call_method(ctx, stream->handlers, "data", 1, &bytes);
  }
}

/* JavaScript's end */

static JSValue new_stream(JSContext *ctx, JSValueConst handlers, struct stream **made) {
  struct stream *stream = calloc(1, sizeof *stream);
  JSValue object = stream == NULL ? JS_ThrowOutOfMemory(ctx) : JS_NewObjectClass(ctx, stream_class);
  if (JS_IsException(object)) {
    free(stream);
    return object;
  }
  stream->fd = -1;
  stream->held = true;
  stream->polled = SIZE_MAX;
  stream->handlers = JS_DupValue(ctx, handlers);
  stream->next = streams;
  streams = stream;
  JS_SetOpaque(object, stream);
  *made = stream;
  return object;
}

/* connect(host, port, tls, handlers): Stream */
static JSValue connect_js(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  uint32_t port;
  size_t length;
  struct stream *stream;
  const char *host = JS_ToCStringLen(ctx, &length, argv[0]);
  if (host == NULL) return JS_EXCEPTION;
  JSValue object = JS_ToUint32(ctx, &port, argv[1]) ? JS_EXCEPTION : new_stream(ctx, argv[3], &stream);
  if (!JS_IsException(object)) {
    stream->secure = JS_ToBool(ctx, argv[2]);
    stream->port = port;
    if (length == 0 || length > MAX_HOST_BYTES || strlen(host) != length || port == 0 || port > 65535) fail(stream, "there is no such host and port");
    else {
      strcpy(stream->host, host);
      if (lookup_numeric(host, &stream->addresses[0])) {
        stream->address_count = 1;
        try_next(stream, "");
      } else if (!lookup_start(host, &stream->lookup)) fail(stream, "the name cannot be looked up");
      else stream->state = LOOKING_UP;
    }
  }
  JS_FreeCString(ctx, host);
  return object;
}

/* connectPath(path, handlers): Stream, to a local socket */
static JSValue connect_path(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct stream *stream;
  const char *path = JS_ToCString(ctx, argv[0]);
  if (path == NULL) return JS_EXCEPTION;
  JSValue object = new_stream(ctx, argv[1], &stream);
  if (!JS_IsException(object)) {
    stream->state = CONNECTING;
    stream->attempt_until = monotonic_ms() + ATTEMPT_MS;
    if (local_connect(path, &stream->fd) < 0) fail(stream, strerror(errno));
  }
  JS_FreeCString(ctx, path);
  return object;
}

/* listen(address, port, accepted): Stream whose `close` ends it; accepted(stream) returns the handlers of each that comes */
static JSValue listen_js(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  uint32_t port;
  struct address address;
  struct stream *stream;
  const char *host = JS_ToCString(ctx, argv[0]);
  if (host == NULL) return JS_EXCEPTION;
  bool numeric = lookup_numeric(host, &address);
  JS_FreeCString(ctx, host);
  if (JS_ToUint32(ctx, &port, argv[1])) return JS_EXCEPTION;
  if (!numeric || port > 65535) return JS_ThrowRangeError(ctx, "not an address and port to listen at");
  JSValue object = new_stream(ctx, argv[2], &stream);
  if (JS_IsException(object)) return object;
  struct sockaddr_storage at;
  socklen_t length = socket_address(&address, port, &at);
  int on = 1;
  stream->state = LISTENING;
  stream->fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (stream->fd >= 0 && setsockopt(stream->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0
      && bind(stream->fd, (struct sockaddr *)&at, length) == 0 && listen(stream->fd, 16) == 0) return object;
  JSValue thrown = throw_errno(ctx, "cannot listen");
  let_go(ctx, stream);
  JS_FreeValue(ctx, object);
  return thrown;
}

static void accept_one(JSContext *ctx, struct stream *listener) {
  int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  struct stream *stream;
  JSValue object = new_stream(ctx, JS_UNDEFINED, &stream);
  if (JS_IsException(object)) {
    close(fd);
    return;
  }
  stream->fd = fd;
  stream->state = OPEN;
  JSValue handlers = call_function(ctx, listener->handlers, 1, &object);
  if (!JS_IsObject(handlers)) {
    if (stream->state != OVER) let_go(ctx, stream);
    JS_FreeValue(ctx, handlers);
  } else if (stream->state == OVER) JS_FreeValue(ctx, handlers);
  else stream->handlers = handlers;
}

static struct stream *stream_of(JSContext *ctx, JSValueConst self) {
  return JS_GetOpaque2(ctx, self, stream_class);
}

/* stream.write(bytes): void */
static JSValue write_js(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct stream *stream = stream_of(ctx, self);
  size_t length;
  const uint8_t *bytes = stream == NULL ? NULL : bytes_of(ctx, argv[0], &length);
  if (bytes == NULL) return JS_EXCEPTION;
  if (stream->state != OPEN || stream->write_broken || length == 0) return JS_UNDEFINED;
  size_t queued = stream->out_end - stream->out_start;
  if (length > MAX_QUEUED_BYTES - queued) {
    fail(stream, "the peer does not take what is sent");
    return JS_UNDEFINED;
  }
  if (stream->out_end + length > stream->out_room) {
    size_t room = queued + length < 2048 ? 4096 : 2 * (queued + length);
    uint8_t *moved = malloc(room);
    if (moved == NULL) return JS_ThrowOutOfMemory(ctx);
    if (queued > 0) memcpy(moved, stream->out + stream->out_start, queued);
    free(stream->out);
    stream->out = moved;
    stream->out_room = room;
    stream->out_start = 0;
    stream->out_end = queued;
  }
  memcpy(stream->out + stream->out_end, bytes, length);
  stream->out_end += length;
  if (queued == 0) write_some(stream);
  return JS_UNDEFINED;
}

/* stream.close(): void */
static JSValue close_js(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct stream *stream = stream_of(ctx, self);
  if (stream == NULL) return JS_EXCEPTION;
  if (stream->state != OVER) let_go(ctx, stream);
  return JS_UNDEFINED;
}

/* stream.bufferedBytes(): number */
static JSValue buffered_js(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct stream *stream = stream_of(ctx, self);
  return stream == NULL ? JS_EXCEPTION : JS_NewInt64(ctx, stream->out_end - stream->out_start);
}

/* stream.port(): number, that it is bound to */
static JSValue port_js(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct stream *stream = stream_of(ctx, self);
  struct sockaddr_storage at;
  socklen_t length = sizeof at;
  if (stream == NULL) return JS_EXCEPTION;
  if (stream->fd < 0 || getsockname(stream->fd, (struct sockaddr *)&at, &length) < 0) return JS_UNDEFINED;
  return JS_NewInt32(ctx, ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port : ((struct sockaddr_in6 *)&at)->sin6_port));
}

static void finalize(JSRuntime *runtime, JSValue self) {
  struct stream *stream = JS_GetOpaque(self, stream_class);
  if (stream != NULL) stream->held = false;
}

/* The loop's end */

bool streams_urgent(void) {
  for (struct stream *stream = streams; stream != NULL; stream = stream->next) {
    if (stream->state == FAILED || stream->state == ENDED || (stream->state == OPEN && stream->tls != NULL && tls_has_bytes(stream->tls))) return true;
  }
  return false;
}

double next_stream_ms(void) {
  double least = -1;
  for (struct stream *stream = streams; stream != NULL; stream = stream->next) {
    if (stream->state != CONNECTING || stream->next_address >= stream->address_count) continue;
    double left = stream->attempt_until - monotonic_ms();
    if (left < 0) left = 0;
    if (least < 0 || left < least) least = left;
  }
  return least;
}

size_t streams_poll(struct pollfd *polled, size_t room) {
  size_t count = 0;
  for (struct stream *stream = streams; stream != NULL; stream = stream->next) {
    stream->polled = SIZE_MAX;
    if (stream->state >= FAILED && stream->state != LISTENING) continue;
    if (count == room) continue; /* has its turn when others are gone */
    short events = POLLIN;
    if (stream->state == CONNECTING || (stream->state == SHAKING && stream->pollout)) events = POLLOUT;
    if (stream->state == OPEN && stream->out_start < stream->out_end) events |= POLLOUT;
    stream->polled = count;
    polled[count++] = (struct pollfd){ stream->state == LOOKING_UP ? stream->lookup.pipe : stream->fd, events, 0 };
  }
  return count;
}

static void step(JSContext *ctx, struct stream *stream, short events) {
  switch (stream->state) {
    case LOOKING_UP:
      if (events == 0) return;
      stream->address_count = lookup_finish(&stream->lookup, stream->addresses);
      try_next(stream, "there is no such name");
      return;
    case CONNECTING:
      if (events != 0) connected(ctx, stream);
      else if (stream->next_address < stream->address_count && monotonic_ms() >= stream->attempt_until) try_next(stream, "");
      return;
    case SHAKING:
      if (events != 0) shake(ctx, stream);
      return;
    case OPEN:
      if (events & POLLOUT) write_some(stream);
      if ((events & ~POLLOUT) || (stream->tls != NULL && tls_has_bytes(stream->tls))) read_some(ctx, stream);
      return;
    case LISTENING:
      if (events != 0) accept_one(ctx, stream);
      return;
    default: return;
  }
}

void streams_run(JSContext *ctx, const struct pollfd *polled, size_t count) {
  /* New ones are put in front, and none is freed before the sweep: what JavaScript does meanwhile does not disturb. */
  for (struct stream *stream = streams; stream != NULL; stream = stream->next) {
    step(ctx, stream, stream->polled < count ? polled[stream->polled].revents : 0);
    if (stream->state != FAILED && stream->state != ENDED) continue;
    JSValue failure = stream->state == FAILED ? JS_NewString(ctx, stream->failure) : JS_UNDEFINED;
    JSValue handlers = JS_DupValue(ctx, stream->handlers);
    let_go(ctx, stream);
    call_method(ctx, handlers, "closed", 1, &failure);
    JS_FreeValue(ctx, handlers);
  }
  sweep();
}

void add_streams(JSContext *ctx, JSValueConst board) {
  static const JSClassDef definition = { "Stream", .finalizer = finalize };
  JS_NewClassID(&stream_class);
  JS_NewClass(JS_GetRuntime(ctx), stream_class, &definition);
  JSValue methods = JS_NewObject(ctx);
  JS_SetPropertyStr(ctx, methods, "write", JS_NewCFunction(ctx, write_js, "write", 1));
  JS_SetPropertyStr(ctx, methods, "close", JS_NewCFunction(ctx, close_js, "close", 0));
  JS_SetPropertyStr(ctx, methods, "bufferedBytes", JS_NewCFunction(ctx, buffered_js, "bufferedBytes", 0));
  JS_SetPropertyStr(ctx, methods, "port", JS_NewCFunction(ctx, port_js, "port", 0));
  JS_SetClassProto(ctx, stream_class, methods);
  JS_SetPropertyStr(ctx, board, "connect", JS_NewCFunction(ctx, connect_js, "connect", 4));
  JS_SetPropertyStr(ctx, board, "connectPath", JS_NewCFunction(ctx, connect_path, "connectPath", 2));
  JS_SetPropertyStr(ctx, board, "listen", JS_NewCFunction(ctx, listen_js, "listen", 3));
}

void free_streams(JSContext *ctx) {
  for (struct stream *stream = streams; stream != NULL; stream = stream->next) if (stream->state != OVER) let_go(ctx, stream);
}
