/* What a viewer describes: what is taken holds what the engine builds on, and webrtcbin reads the same in it. A NUL parts two
   descriptions, the second of which would like another path. */
#include <string.h>
#include "camera.h"

/* webrtcbin's way: both of the section, or both of the session. */
static void check_path(const struct remote *remote, const char *ufrag, const char *password) {
  const GstSDPMedia *media = gst_sdp_message_get_media(remote->sdp, remote->bundle);
  const char *name = gst_sdp_media_get_attribute_val(media, "ice-ufrag"), *word = gst_sdp_media_get_attribute_val(media, "ice-pwd");
  if (name == NULL || word == NULL) {
    name = gst_sdp_message_get_attribute_val(remote->sdp, "ice-ufrag");
    word = gst_sdp_message_get_attribute_val(remote->sdp, "ice-pwd");
  }
  CHECK(g_strcmp0(name, ufrag) == 0 && g_strcmp0(word, password) == 0);
}

/* webrtcbin looks at the first group, whatever it is. */
static void check_bundle(const struct remote *remote) {
  const char *group = gst_sdp_message_get_attribute_val(remote->sdp, "group");
  CHECK(remote->bundle < remote->sections.count && group != NULL && g_str_has_prefix(group, "BUNDLE "));
  char **mids = g_strsplit(group + strlen("BUNDLE "), " ", 0);
  CHECK(strcmp(mids[0], remote->sections.mids[remote->bundle]) == 0);
  for (guint i = 0; i < remote->sections.count; i++) {
    if (gst_sdp_media_get_port(gst_sdp_message_get_media(remote->sdp, i)) != 0) CHECK(g_strv_contains((const char *const *)mids, remote->sections.mids[i]));
  }
  g_strfreev(mids);
}

static void check_sections(const struct remote *remote) {
  const struct sections *sections = &remote->sections;
  CHECK(sections->count >= 1 && sections->count <= MAX_SECTIONS && sections->count == gst_sdp_message_medias_len(remote->sdp));
  for (guint i = 0; i < sections->count; i++) {
    const char *mid = sections->mids[i];
    CHECK(memchr("avd", sections->kinds[i], 3) != NULL && strlen(mid) >= 1 && strlen(mid) <= 32 && strpbrk(mid, " \t\r\n") == NULL);
    CHECK(strcmp(mid, section_mid(gst_sdp_message_get_media(remote->sdp, i))) == 0);
    for (guint j = 0; j < i; j++) CHECK(strcmp(mid, sections->mids[j]) != 0);
  }
}

static void check_remote(const struct remote *remote) {
  check_sections(remote);
  check_bundle(remote);
  check_path(remote, remote->ufrag, remote->password);
  const char *digest = remote->fingerprint.digest;
  CHECK(strlen(digest) == 2 * (gsize)g_checksum_type_get_length(remote->fingerprint.type) && strspn(digest, "0123456789abcdef") == strlen(digest));
  CHECK(remote->candidates->len <= MAX_CANDIDATES);
  for (guint i = 0; i < remote->candidates->len; i++) candidate_read(g_ptr_array_index(remote->candidates, i), remote->ufrag);
  for (guint i = 0; i < remote->sections.count; i++) CHECK(gst_sdp_media_get_attribute_val(gst_sdp_message_get_media(remote->sdp, i), "candidate") == NULL);
}

static gboolean read_one(struct remote *remote, const char *text) {
  struct failure failure = { NULL, "" };
  gboolean taken = remote_read(remote, text, &failure);
  if (taken) check_remote(remote);
  else CHECK(strcmp(failure.code, "ERR_WEBRTC_DESCRIPTION_REFUSED") == 0 && failure.text[0] != 0);
  return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char **texts = texts_of(data, size, 2);
  struct remote before, now;
  gboolean first = read_one(&before, texts[0]), second = read_one(&now, texts[1]);
  if (first && second) {
    remote_keep_path(&now, &before);
    check_path(&now, before.ufrag, before.password);
    check_remote(&now);
  }
  remote_clear(&before);
  remote_clear(&now);
  g_strfreev(texts);
  return 0;
}
