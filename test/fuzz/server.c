/* A STUN or TURN server as the rendezvous names it: what webrtcbin gets leads to the host in the text, with the name and the secret that
   came with it, and stays on this machine where the engine does. URL, name and secret, parted by NUL. */
#include <string.h>
#include "connection.c"
#include "camera.h"

static void check_uri(const char *text, const char *url, const char *username, const char *credential) {
  GstUri *uri = gst_uri_from_string_escaped(text);
  if (uri == NULL) return; /* webrtcbin says so, and goes on without */
  const char *host = gst_uri_get_host(uri), *place = strchr(url, ':') + 1;
  CHECK(host == NULL || g_ascii_strncasecmp(place + (*place == '['), host, strlen(host)) == 0);
  if (options.address != NULL) CHECK(host != NULL && address_is_loopback(host));
  char *user = g_uri_escape_string(username ? username : "", NULL, FALSE), *secret = g_uri_escape_string(credential ? credential : "", NULL, FALSE);
  char *both = g_strconcat(user, ":", secret, NULL);
  const char *info = gst_uri_get_userinfo(uri);
  CHECK(g_str_has_prefix(text, "stun://") ? info == NULL : g_strcmp0(info, both) == 0);
  g_free(both);
  g_free(user);
  g_free(secret);
  gst_uri_unref(uri);
}

static const char behind[] = "behind the end";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char **texts = texts_of(data, size, 3);
  for (int i = 0; i < 3; i++) if (texts[i] != NULL && !g_utf8_validate(texts[i], -1, NULL)) size = 0; /* line_read took it */
  /* No sanitizer sees what printf reads behind the end of a text. */
  gsize length = size > 0 ? strlen(texts[0]) : 0;
  char *url = g_malloc(length + 1 + sizeof behind);
  memcpy(url, size > 0 ? texts[0] : "", length + 1);
  memcpy(url + length + 1, behind, sizeof behind);
  for (int near = 0; size > 0 && near < 2; near++) {
    options.address = near ? "127.0.0.1" : NULL;
    char *uri = server_uri(url, texts[1], texts[2]);
    CHECK(uri == NULL || strstr(uri, behind) == NULL || strstr(url, behind) != NULL);
    if (uri != NULL) check_uri(uri, url, texts[1], texts[2]);
    g_free(uri);
  }
  g_free(url);
  g_strfreev(texts);
  return 0;
}
