#include "camera.h"
#include <string.h>

struct options options = { .codec = "VP8", .width = 640, .height = 360, .framerate = 15, .kilobits = 800 };
GString *told;

void camera_forget(void) {
  if (told != NULL) g_string_free(told, TRUE);
  told = NULL;
}

void camera_send(GString *line) {
  camera_forget();
  g_string_append(line, "}\n");
  told = line;
}

char **texts_of(const uint8_t *data, size_t size, guint most) {
  char **texts = g_new0(char *, most + 1);
  for (guint i = 0; i < most && size > 0; i++) {
    const uint8_t *end = i + 1 < most ? memchr(data, 0, size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    texts[i] = g_strndup((const char *)data, length);
    size_t used = end ? length + 1 : length;
    data += used;
    size -= used;
  }
  return texts;
}

/* GStreamer's words about input are not about us. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  gst_init(NULL, NULL);
  gst_debug_set_default_threshold(GST_LEVEL_NONE);
  return 0;
}
