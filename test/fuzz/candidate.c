/* A viewer's candidate: one that is used is a UDP address, with nothing in it that could begin a line of its own. A NUL parts it from
   the ufrag of the viewer's description. */
#include <string.h>
#include <gio/gio.h>
#include "camera.h"

static void check_used(const char *text) {
  char **words = g_strsplit(text, " ", 0);
  CHECK(g_strv_length(words) >= 8 && strlen(text) <= 1024);
  GInetAddress *address = g_inet_address_new_from_string(words[4]);
  CHECK(address != NULL && (options.address == NULL || g_inet_address_get_is_loopback(address)));
  g_object_unref(address);
  int port = atoi(words[5]);
  CHECK(port > 0 && port < 65536 && g_ascii_strcasecmp(words[2], "udp") == 0 && strcmp(words[1], "1") == 0);
  for (const char *at = text; *at != 0; at++) CHECK(g_ascii_isprint(*at));
  g_strfreev(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char **texts = texts_of(data, size, 2);
  for (int near = 0; texts[0] != NULL && near < 2; near++) {
    options.address = near ? "127.0.0.1" : NULL;
    if (candidate_read(texts[0], texts[1] ? texts[1] : "") == CANDIDATE_USED) check_used(texts[0]);
  }
  g_strfreev(texts);
  return 0;
}
