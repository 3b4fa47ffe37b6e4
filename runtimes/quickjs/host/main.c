/* lenskey's host for boards: one JavaScript program, compiled in, over exactly what lib/runtime asks of a host. The program
   finds it as the global `board` (runtimes/quickjs/host.ts). */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host.h"
#include "rejections.h"

/* The bytecode, which the linker puts in. */
__asm__(".section .rodata\n.global lenskey_program\n.balign 16\nlenskey_program:\n.incbin \"" LENSKEY_PROGRAM "\"\n"
        ".global lenskey_program_end\nlenskey_program_end:\n.byte 0\n.previous\n");
extern const uint8_t lenskey_program[], lenskey_program_end[];

enum { MAX_POLLED = 256, GC_STEPS = 16 };

static const char BROKEN[] = "lenskey: the program is broken: ";
static JSRuntime *runtime;
static int stop_pipe[2];
static bool exiting;
static int exit_code;

static void die_of_exception(JSContext *ctx) {
  JSValue thrown = JS_GetException(ctx);
  report_exception(ctx, thrown, BROKEN);
  _exit(EXIT_BROKEN_PROGRAM);
}

static void run_jobs(JSContext *ctx) {
  JSContext *job;
  int outcome;
  while ((outcome = JS_ExecutePendingJob(runtime, &job)) > 0) continue;
  if (outcome < 0) die_of_exception(job);
  /* A handler may come later in the same turn, so the end of it tells. */
  if (report_rejections(ctx, BROKEN)) _exit(EXIT_BROKEN_PROGRAM);
}

JSValue call_function(JSContext *ctx, JSValueConst function, int argc, JSValue *argv) {
  JSValue called = JS_DupValue(ctx, function); /* it may let go of itself */
  JSValue result = exiting ? JS_UNDEFINED : JS_Call(ctx, called, JS_UNDEFINED, argc, (JSValueConst *)argv);
  JS_FreeValue(ctx, called);
  for (int at = 0; at < argc; at++) JS_FreeValue(ctx, argv[at]);
  if (JS_IsException(result)) die_of_exception(ctx);
  run_jobs(ctx);
  return result;
}

void call_method(JSContext *ctx, JSValueConst object, const char *name, int argc, JSValue *argv) {
  JSValue self = JS_DupValue(ctx, object);
  JSAtom atom = JS_NewAtom(ctx, name);
  JSValue result = exiting ? JS_UNDEFINED : JS_Invoke(ctx, self, atom, argc, (JSValueConst *)argv);
  JS_FreeAtom(ctx, atom);
  for (int at = 0; at < argc; at++) JS_FreeValue(ctx, argv[at]);
  JS_FreeValue(ctx, self);
  if (JS_IsException(result)) die_of_exception(ctx);
  JS_FreeValue(ctx, result);
  run_jobs(ctx);
}

JSValue throw_errno(JSContext *ctx, const char *what) {
  return JS_ThrowTypeError(ctx, "%s: %s", what, strerror(errno));
}

const uint8_t *bytes_of(JSContext *ctx, JSValueConst value, size_t *length) {
  size_t offset, width, whole;
  JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, &offset, length, &width);
  if (JS_IsException(buffer)) return NULL;
  const uint8_t *bytes = JS_GetArrayBuffer(ctx, &whole, buffer);
  JS_FreeValue(ctx, buffer); /* the array holds it */
  if (bytes != NULL && width == 1 && offset + *length <= whole) return bytes + offset;
  JS_ThrowTypeError(ctx, "not a Uint8Array");
  return NULL;
}

/* print(line, toStderr): void */
static JSValue print(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length;
  const char *line = JS_ToCStringLen(ctx, &length, argv[0]);
  if (line == NULL) return JS_EXCEPTION;
  FILE *to = JS_ToBool(ctx, argv[1]) ? stderr : stdout;
  fwrite(line, 1, length, to);
  fputc('\n', to);
  fflush(to);
  JS_FreeCString(ctx, line);
  return JS_UNDEFINED;
}

/* exit(code): void; nothing is called afterwards */
static JSValue exit_js(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  if (JS_ToInt32(ctx, &exit_code, argv[0])) return JS_EXCEPTION;
  exiting = true;
  return JS_UNDEFINED;
}

/* setHeapCap(bytes): void; 0 is none */
static JSValue set_heap_cap(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t bytes;
  if (JS_ToInt64(ctx, &bytes, argv[0])) return JS_EXCEPTION;
  heap_set_cap(bytes > 0 ? bytes : 0);
  return JS_UNDEFINED;
}

/* heap(): { usedBytes, peakBytes } of the engine */
static JSValue heap(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  JSValue result = JS_NewObject(ctx);
  JS_SetPropertyStr(ctx, result, "usedBytes", JS_NewInt64(ctx, heap_used()));
  JS_SetPropertyStr(ctx, result, "peakBytes", JS_NewInt64(ctx, heap_peak()));
  return result;
}

static void on_stop_signal(int number) {
  if (write(stop_pipe[1], "", 1) < 0) return; /* full: it was told already */
}

/* The engine collects cycles when its heap has grown by half, which may be beyond the cap. */
static void collect_near_cap(void) {
  static size_t after_last;
  if (heap_cap() == 0 || heap_used() < heap_cap() / 2) return;
  if (heap_used() < after_last + heap_cap() / GC_STEPS) return;
  JS_RunGC(runtime);
  after_last = heap_used();
}

static int timeout_ms(void) {
  if (streams_urgent()) return 0;
  double timer = next_timer_ms(), stream = next_stream_ms();
  double least = timer < 0 || (stream >= 0 && stream < timer) ? stream : timer;
  return least < 0 ? -1 : least > 3600e3 ? 3600000 : (int)ceil(least);
}

static void loop(JSContext *ctx, JSValueConst board) {
  static struct pollfd polled[MAX_POLLED];
  while (!exiting) {
    size_t count = streams_poll(polled + 1, MAX_POLLED - 1);
    polled[0] = (struct pollfd){ stop_pipe[0], POLLIN, 0 };
    if (poll(polled, count + 1, timeout_ms()) < 0) {
      if (errno != EINTR) {
        perror("poll");
        _exit(71);
      }
      for (size_t at = 0; at <= count; at++) polled[at].revents = 0;
    }
    if (polled[0].revents != 0) {
      char told;
      if (read(stop_pipe[0], &told, 1) == 1) call_method(ctx, board, "onstop", 0, NULL);
    }
    streams_run(ctx, polled + 1, count);
    run_due_timers(ctx);
    collect_near_cap();
  }
}

int main(int argc, char **argv) {
  double started_ms = monotonic_ms();
  signal(SIGPIPE, SIG_IGN);
  if (pipe(stop_pipe) < 0) return 71;
  runtime = JS_NewRuntime2(&capped_heap, NULL);
  JSContext *ctx = JS_NewContext(runtime);
  JS_SetHostPromiseRejectionTracker(runtime, track_rejection, NULL);

  JSValue global = JS_GetGlobalObject(ctx), board = JS_NewObject(ctx), args = JS_NewArray(ctx);
  for (int at = 1; at < argc; at++) JS_SetPropertyUint32(ctx, args, at - 1, JS_NewString(ctx, argv[at]));
  JS_SetPropertyStr(ctx, board, "args", args);
  JS_SetPropertyStr(ctx, board, "onstop", JS_NewCFunction(ctx, exit_js, "onstop", 1)); /* until the program has one of its own */
  JS_SetPropertyStr(ctx, board, "print", JS_NewCFunction(ctx, print, "print", 2));
  JS_SetPropertyStr(ctx, board, "exit", JS_NewCFunction(ctx, exit_js, "exit", 1));
  JS_SetPropertyStr(ctx, board, "heap", JS_NewCFunction(ctx, heap, "heap", 0));
  JS_SetPropertyStr(ctx, board, "setHeapCap", JS_NewCFunction(ctx, set_heap_cap, "setHeapCap", 1));
  JS_SetPropertyStr(ctx, board, "startedMs", JS_NewFloat64(ctx, started_ms));
  add_timers(ctx, board);
  add_streams(ctx, board);
  add_files(ctx, board);
  add_crypto(ctx, board);
  add_system(ctx, board);
  JS_SetPropertyStr(ctx, global, "board", JS_DupValue(ctx, board));
  JS_FreeValue(ctx, global);

  struct sigaction stop = { .sa_handler = on_stop_signal, .sa_flags = SA_RESTART };
  sigaction(SIGTERM, &stop, NULL);
  sigaction(SIGINT, &stop, NULL);

  JSValue module = JS_ReadObject(ctx, lenskey_program, lenskey_program_end - lenskey_program, JS_READ_OBJ_BYTECODE);
  if (JS_IsException(module) || JS_ResolveModule(ctx, module) < 0) die_of_exception(ctx);
  JSValue result = JS_EvalFunction(ctx, module);
  if (JS_IsException(result)) die_of_exception(ctx);
  JS_FreeValue(ctx, result);
  run_jobs(ctx);
  loop(ctx, board);

  /* Given back one by one, so that a leak shows. */
  free_timers(ctx);
  free_streams(ctx);
  JS_FreeValue(ctx, board);
  JS_FreeContext(ctx);
  JS_FreeRuntime(runtime);
  fflush(NULL);
  return exit_code;
}
