/* What nobody caught, said on stderr; for this host and for the bare one. */
#ifndef LENSKEY_REJECTIONS_H
#define LENSKEY_REJECTIONS_H

#include <stdbool.h>
#include "quickjs.h"

/* Message and stack. @param before - goes in front of the message */
void report_exception(JSContext *ctx, JSValueConst thrown, const char *before);
/* For JS_SetHostPromiseRejectionTracker. */
void track_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, JS_BOOL handled, void *opaque);
/* Reports the promises rejected so far that nothing handles, and forgets them. @returns whether there were any */
bool report_rejections(JSContext *ctx, const char *before);

#endif
