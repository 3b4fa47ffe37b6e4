#include <stdio.h>
#include <stdlib.h>
#include "rejections.h"

static struct rejection { JSValue promise, reason; struct rejection *next; } *rejections;

void report_exception(JSContext *ctx, JSValueConst thrown, const char *before) {
  const char *text = JS_ToCString(ctx, thrown);
  JSValue stack = JS_IsError(ctx, thrown) ? JS_GetPropertyStr(ctx, thrown, "stack") : JS_UNDEFINED;
  const char *trace = JS_IsString(stack) ? JS_ToCString(ctx, stack) : NULL;
  fprintf(stderr, "%s%s\n%s", before, text ? text : "exception", trace ? trace : "");
  JS_FreeCString(ctx, trace);
  JS_FreeCString(ctx, text);
  JS_FreeValue(ctx, stack);
}

void track_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, JS_BOOL handled, void *opaque) {
  if (!handled) {
    struct rejection *added = malloc(sizeof *added);
    if (added == NULL) abort();
    *added = (struct rejection){ JS_DupValue(ctx, promise), JS_DupValue(ctx, reason), rejections };
    rejections = added;
    return;
  }
  for (struct rejection **at = &rejections; *at != NULL; at = &(*at)->next) {
    struct rejection *found = *at;
    if (JS_VALUE_GET_PTR(found->promise) != JS_VALUE_GET_PTR(promise)) continue;
    *at = found->next;
    JS_FreeValue(ctx, found->promise);
    JS_FreeValue(ctx, found->reason);
    free(found);
    return;
  }
}

bool report_rejections(JSContext *ctx, const char *before) {
  bool any = rejections != NULL;
  while (rejections != NULL) {
    struct rejection *first = rejections;
    report_exception(ctx, first->reason, before);
    rejections = first->next;
    JS_FreeValue(ctx, first->promise);
    JS_FreeValue(ctx, first->reason);
    free(first);
  }
  return any;
}
