/* What the parts of the host know of each other. One thread, one engine, one poll loop; docs/porting.md walks through it. */
#ifndef LENSKEY_HOST_H
#define LENSKEY_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "quickjs.h"

/* Exit codes beyond 0 (asked to stop) and what the program itself chooses; from sysexits.h. */
enum { EXIT_BROKEN_PROGRAM = 70, EXIT_HEAP_CAP = 75 };

/* main.c: calls into JavaScript, then runs all jobs. Frees the arguments; an exception ends the process. @returns whether the
   function returned something other than undefined, which is then handed over in *result when that is wanted */
void call_method(JSContext *ctx, JSValueConst object, const char *name, int argc, JSValue *argv);
JSValue call_function(JSContext *ctx, JSValueConst function, int argc, JSValue *argv);
JSValue throw_errno(JSContext *ctx, const char *what);
/* The bytes of a Uint8Array; NULL with an exception when it is something else. Valid until JavaScript runs again. */
const uint8_t *bytes_of(JSContext *ctx, JSValueConst value, size_t *length);

/* heap.c: the engine's memory, counted and capped; who asks for more than there is does not come back. */
extern const JSMallocFunctions capped_heap;
void heap_set_cap(size_t bytes); /* 0: none */
size_t heap_used(void);
size_t heap_peak(void);
size_t heap_cap(void);

/* timers.c */
double monotonic_ms(void);
double next_timer_ms(void); /* until the next one is due; -1 when there is none */
void run_due_timers(JSContext *ctx);
void add_timers(JSContext *ctx, JSValueConst board);
void free_timers(JSContext *ctx);

/* streams.c: TCP, TLS and local sockets. */
struct pollfd;
void add_streams(JSContext *ctx, JSValueConst board);
bool streams_urgent(void); /* something is to be told without waiting */
size_t streams_poll(struct pollfd *polled, size_t room);
void streams_run(JSContext *ctx, const struct pollfd *polled, size_t count);
double next_stream_ms(void);
void free_streams(JSContext *ctx);

/* resolve.c: names to addresses, in a helper process. */
enum { MAX_ADDRESSES = 8 };
struct address { unsigned char bytes[16]; unsigned char length; }; /* length 4 or 16 */
struct lookup { int pid, pipe; };
bool lookup_numeric(const char *host, struct address *address);
bool lookup_start(const char *host, struct lookup *lookup);
/* To be called when the pipe can be read. @returns the number of addresses, 0 when there are none */
int lookup_finish(struct lookup *lookup, struct address *addresses);
void lookup_cancel(struct lookup *lookup);

/* files.c, crypto.c, system.c */
void add_system(JSContext *ctx, JSValueConst board);
void add_files(JSContext *ctx, JSValueConst board);
void add_crypto(JSContext *ctx, JSValueConst board);
void random_bytes(void *to, size_t length); /* never fails: it waits, or ends the process */

#endif
