/* Timers: a few dozen at a time, so a list is searched. */
#include <math.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include "host.h"

static struct timer {
  struct timer *next;
  double due_ms;
  uint32_t id;
  JSValue callback;
} *timers;
static uint32_t last_id;

double monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static JSValue monotonic(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return JS_NewFloat64(ctx, monotonic_ms());
}

static JSValue wall(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return JS_NewFloat64(ctx, floor(now.tv_sec * 1e3 + now.tv_nsec / 1e6));
}

/* setTimer(delayMs, callback): number */
static JSValue set_timer(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  double delay_ms;
  if (JS_ToFloat64(ctx, &delay_ms, argv[0])) return JS_EXCEPTION;
  struct timer *timer = malloc(sizeof *timer);
  if (timer == NULL) return JS_ThrowOutOfMemory(ctx);
  *timer = (struct timer){ NULL, monotonic_ms() + (delay_ms > 0 ? delay_ms : 0), ++last_id, JS_DupValue(ctx, argv[1]) };
  /* Behind those that are due at the same time: first come, first called. */
  struct timer **at = &timers;
  while (*at != NULL && (*at)->due_ms <= timer->due_ms) at = &(*at)->next;
  timer->next = *at;
  *at = timer;
  return JS_NewUint32(ctx, timer->id);
}

static void drop(JSContext *ctx, struct timer **at) {
  struct timer *timer = *at;
  *at = timer->next;
  JS_FreeValue(ctx, timer->callback);
  free(timer);
}

/* clearTimer(id): void */
static JSValue clear_timer(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  uint32_t id;
  if (JS_ToUint32(ctx, &id, argv[0])) return JS_EXCEPTION;
  for (struct timer **at = &timers; *at != NULL; at = &(*at)->next) {
    if ((*at)->id != id) continue;
    drop(ctx, at);
    break;
  }
  return JS_UNDEFINED;
}

double next_timer_ms(void) {
  if (timers == NULL) return -1;
  double left = timers->due_ms - monotonic_ms();
  return left > 0 ? left : 0;
}

void run_due_timers(JSContext *ctx) {
  /* Those set meanwhile wait for the next turn, so that a timer that sets itself again cannot keep the loop here. */
  double now = monotonic_ms();
  uint32_t last = last_id;
  for (;;) {
    struct timer **at = &timers;
    while (*at != NULL && (*at)->due_ms <= now && (int32_t)((*at)->id - last) > 0) at = &(*at)->next;
    if (*at == NULL || (*at)->due_ms > now) return;
    JSValue callback = JS_DupValue(ctx, (*at)->callback);
    drop(ctx, at);
    JS_FreeValue(ctx, call_function(ctx, callback, 0, NULL));
    JS_FreeValue(ctx, callback);
  }
}

void add_timers(JSContext *ctx, JSValueConst board) {
  JS_SetPropertyStr(ctx, board, "monotonicMs", JS_NewCFunction(ctx, monotonic, "monotonicMs", 0));
  JS_SetPropertyStr(ctx, board, "wallMs", JS_NewCFunction(ctx, wall, "wallMs", 0));
  JS_SetPropertyStr(ctx, board, "setTimer", JS_NewCFunction(ctx, set_timer, "setTimer", 2));
  JS_SetPropertyStr(ctx, board, "clearTimer", JS_NewCFunction(ctx, clear_timer, "clearTimer", 1));
}

void free_timers(JSContext *ctx) {
  while (timers != NULL) drop(ctx, &timers);
}
