/* Compiles one module to the engine's bytecode: compile MODULE.js OUT. The same bytecode runs on any little-endian board. */
#include <stdio.h>
#include <stdlib.h>
#include "quickjs.h"

int main(int argc, char **argv) {
  FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (in == NULL) {
    fprintf(stderr, "usage: %s MODULE.js OUT\n", argv[0]);
    return 64;
  }
  fseek(in, 0, SEEK_END);
  long length = ftell(in);
  rewind(in);
  char *source = malloc(length + 1);
  if (source == NULL || fread(source, 1, length, in) != (size_t)length) return 74;
  source[length] = 0; /* JS_Eval wants it */
  fclose(in);
  JSRuntime *runtime = JS_NewRuntime();
  JSContext *ctx = JS_NewContext(runtime);
  JSValue module = JS_Eval(ctx, source, length, "lenskey.js", JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(module)) {
    JSValue thrown = JS_GetException(ctx);
    fprintf(stderr, "%s\n", JS_ToCString(ctx, thrown));
    return 65;
  }
  size_t size;
  uint8_t *bytecode = JS_WriteObject(ctx, &size, module, JS_WRITE_OBJ_BYTECODE);
  FILE *out = bytecode == NULL ? NULL : fopen(argv[2], "wb");
  return out != NULL && fwrite(bytecode, 1, size, out) == size && fclose(out) == 0 ? 0 : 74;
}
