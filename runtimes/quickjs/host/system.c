/* What the program runs on, for those who compare boards. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "host.h"

enum { MAX_LINE = 256 };

/* Copies what follows the colon of the first line of /proc/cpuinfo that begins so. */
static bool cpu_line(const char *name, char *to, size_t room) {
  FILE *file = fopen("/proc/cpuinfo", "re");
  char line[MAX_LINE];
  bool found = false;
  while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
    const char *colon = strchr(line, ':');
    if (colon == NULL || strncmp(line, name, strlen(name)) != 0) continue;
    snprintf(to, room, "%s", colon + 1 + strspn(colon + 1, " \t"));
    to[strcspn(to, "\n")] = 0;
    found = true;
  }
  if (file != NULL) fclose(file);
  return found;
}

static double resident_bytes(void) {
  FILE *file = fopen("/proc/self/statm", "re");
  long pages = 0, resident = 0;
  if (file == NULL) return 0;
  if (fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
  fclose(file);
  return (double)resident * sysconf(_SC_PAGESIZE);
}

/* system(): { engine, cpu, machine, emulated, rssBytes } */
static JSValue system_js(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct utsname names;
  char cpu[MAX_LINE] = "unknown", vendor[MAX_LINE];
  if (!cpu_line("model name", cpu, sizeof cpu)) cpu_line("Hardware", cpu, sizeof cpu);
  bool emulated = false;
#if defined(__arm__) || defined(__aarch64__)
  emulated = cpu_line("vendor_id", vendor, sizeof vendor); /* only other processors have one, whose file an emulator passes on */
#else
  (void)vendor;
#endif
  JSValue result = JS_NewObject(ctx);
  JS_SetPropertyStr(ctx, result, "engine", JS_NewString(ctx, "QuickJS " LENSKEY_ENGINE_VERSION));
  JS_SetPropertyStr(ctx, result, "cpu", JS_NewString(ctx, cpu));
  JS_SetPropertyStr(ctx, result, "machine", JS_NewString(ctx, uname(&names) == 0 ? names.machine : "unknown"));
  JS_SetPropertyStr(ctx, result, "emulated", JS_NewBool(ctx, emulated));
  JS_SetPropertyStr(ctx, result, "rssBytes", JS_NewFloat64(ctx, resident_bytes()));
  return result;
}

void add_system(JSContext *ctx, JSValueConst board) {
  JS_SetPropertyStr(ctx, board, "system", JS_NewCFunction(ctx, system_js, "system", 0));
}
