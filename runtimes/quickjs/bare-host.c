/* The barest host there is: evaluates one module with what it imports, or one of bytecode (.bin), and runs jobs until none is
   left. All it adds is print() and scriptArgs, so whatever runs here needs nothing of its engine but the language. For tests and
   measurements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/rejections.h"

static JSValue print(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  for (int at = 0; at < argc; at++) {
    const char *text = JS_ToCString(ctx, argv[at]);
    if (text == NULL) return JS_EXCEPTION;
    printf("%s%s", at > 0 ? " " : "", text);
    JS_FreeCString(ctx, text);
  }
  putchar('\n');
  fflush(stdout);
  return JS_UNDEFINED;
}

static char *read_file(const char *name, size_t *length) {
  FILE *file = fopen(name, "rb");
  if (file == NULL) return NULL;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *text = malloc(size + 1);
  *length = fread(text, 1, size, file);
  text[*length] = 0; /* JS_Eval wants it */
  fclose(file);
  return text;
}

static JSModuleDef *load_module(JSContext *ctx, const char *name, void *opaque) {
  size_t length;
  char *source = read_file(name, &length);
  if (source == NULL) {
    JS_ThrowReferenceError(ctx, "no module %s", name);
    return NULL;
  }
  JSValue module = JS_Eval(ctx, source, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  free(source);
  if (JS_IsException(module)) return NULL;
  JSModuleDef *definition = JS_VALUE_GET_PTR(module);
  JS_FreeValue(ctx, module); /* the context holds it */
  return definition;
}

/* What compile.c makes is a module that imports nothing. */
static JSValue evaluate_bytecode(JSContext *ctx, const char *bytes, size_t length) {
  JSValue module = JS_ReadObject(ctx, (const uint8_t *)bytes, length, JS_READ_OBJ_BYTECODE);
  if (JS_IsException(module)) return module;
  return JS_ResolveModule(ctx, module) < 0 ? JS_EXCEPTION : JS_EvalFunction(ctx, module);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s MODULE [ARGUMENT]...\n", argv[0]);
    return 2;
  }
  size_t length;
  char *source = read_file(argv[1], &length);
  if (source == NULL) {
    perror(argv[1]);
    return 2;
  }
  JSRuntime *runtime = JS_NewRuntime();
  JSContext *ctx = JS_NewContext(runtime);
  JS_SetModuleLoaderFunc(runtime, NULL, load_module, NULL);
  JS_SetHostPromiseRejectionTracker(runtime, track_rejection, NULL);
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue args = JS_NewArray(ctx);
  for (int at = 2; at < argc; at++) JS_SetPropertyUint32(ctx, args, at - 2, JS_NewString(ctx, argv[at]));
  JS_SetPropertyStr(ctx, global, "scriptArgs", args);
  JS_SetPropertyStr(ctx, global, "print", JS_NewCFunction(ctx, print, "print", 1));
  JS_FreeValue(ctx, global);

  const char *ending = strrchr(argv[1], '.');
  JSValue result = ending != NULL && strcmp(ending, ".bin") == 0 ? evaluate_bytecode(ctx, source, length)
    : JS_Eval(ctx, source, length, argv[1], JS_EVAL_TYPE_MODULE);
  free(source);
  int failed = JS_IsException(result);
  JSContext *job;
  int outcome = 0;
  while (!failed && (outcome = JS_ExecutePendingJob(runtime, &job)) > 0) continue;
  if (failed || outcome < 0) {
    JSValue thrown = JS_GetException(failed ? ctx : job);
    report_exception(ctx, thrown, "");
    JS_FreeValue(ctx, thrown);
    failed = 1;
  }
  if (report_rejections(ctx, "")) failed = 1; /* a handler may have come late, so the end tells */
  JS_FreeValue(ctx, result);
  JS_FreeContext(ctx);
  JS_FreeRuntime(runtime);
  return failed;
}
