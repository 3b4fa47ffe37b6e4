/* What webrtcbin may see of a viewer's attributes. It makes fields of them, and GLib keeps each name that a field ever had for good:
   by names of its own, a viewer could let the engine grow with each description. */
#include <string.h>
#include "engine.h"

/* In sections, and those that hold for all of them. Candidates are taken out before; what a viewer would send (ssrc, rid, simulcast) is
   not among them: it sends nothing that the engine takes. */
static const char *const attributes[] = {
  "bundle-only", "end-of-candidates", "extmap", "extmap-allow-mixed", "fingerprint", "fmtp", "group", "ice-lite", "ice-options",
  "ice-pwd", "ice-ufrag", "inactive", "max-message-size", "mid", "msid", "recvonly", "rtcp-fb", "rtcp-mux", "rtcp-rsize", "rtpmap", "sctp-port",
  "sctpmap", "sendonly", "sendrecv", "setup", NULL,
};
/* Of fmtp, for the codecs that browsers offer (RFC 6184, 7587, 7741, 4588, 9628). */
static const char *const parameters[] = {
  "apt", "cbr", "level-asymmetry-allowed", "level-id", "level-idx", "max-fr", "max-fs", "maxaveragebitrate", "maxplaybackrate", "minptime",
  "packetization-mode", "profile", "profile-id", "profile-level-id", "sprop-stereo", "stereo", "tier", "tier-flag", "usedtx", "useinbandfec", NULL,
};
static const char *const feedbacks[] = { "ccm fir", "goog-remb", "nack", "nack pli", "transport-cc", NULL };

/* @returns what follows the first space; NULL when there is none */
static const char *after_space(const char *value) {
  const char *space = value == NULL ? NULL : strchr(value, ' ');
  return space == NULL ? NULL : space + 1;
}

/* `96 name=value;name=value` with the known names alone; NULL when there is none of them. To be freed. */
static char *known_parameters(const char *value) {
  const char *list = after_space(value);
  if (list == NULL) return NULL;
  char **words = g_strsplit(list, ";", -1);
  GString *kept = g_string_new_len(value, list - value);
  gsize empty = kept->len;
  for (char **word = words; *word != NULL; word++) {
    char *name = g_strndup(g_strchug(*word), strcspn(*word, "= "));
    if (g_strv_contains(parameters, name)) g_string_append_printf(kept, "%s%s", kept->len > empty ? ";" : "", *word);
    g_free(name);
  }
  g_strfreev(words);
  return g_string_free(kept, kept->len == empty);
}

/* RFC 8285 section 8: identifiers of 1 to 255. */
static gboolean is_extension(const char *value) {
  char *end;
  if (value == NULL || !g_ascii_isdigit(*value)) return FALSE;
  guint64 number = g_ascii_strtoull(value, &end, 10);
  return number >= 1 && number <= 255 && (*end == ' ' || *end == '/');
}

static gboolean is_known(const GstSDPAttribute *attribute) {
  if (!g_strv_contains(attributes, attribute->key)) return FALSE;
  if (strcmp(attribute->key, "extmap") == 0) return is_extension(attribute->value);
  if (strcmp(attribute->key, "rtcp-fb") != 0) return TRUE;
  const char *feedback = after_space(attribute->value);
  return feedback != NULL && g_strv_contains(feedbacks, feedback);
}

void attributes_keep_known(GstSDPMessage *sdp) {
  for (guint at = gst_sdp_message_attributes_len(sdp); at-- > 0;) {
    if (!is_known(gst_sdp_message_get_attribute(sdp, at))) gst_sdp_message_remove_attribute(sdp, at);
  }
  for (guint i = 0; i < gst_sdp_message_medias_len(sdp); i++) {
    GstSDPMedia *media = (GstSDPMedia *)gst_sdp_message_get_media(sdp, i);
    for (guint at = gst_sdp_media_attributes_len(media); at-- > 0;) {
      const GstSDPAttribute *attribute = gst_sdp_media_get_attribute(media, at);
      gboolean is_format = strcmp(attribute->key, "fmtp") == 0;
      char *format = is_format ? known_parameters(attribute->value) : NULL;
      if (format != NULL) {
        GstSDPAttribute kept;
        gst_sdp_attribute_set(&kept, "fmtp", format);
        gst_sdp_media_replace_attribute(media, at, &kept);
      } else if (is_format || !is_known(attribute)) gst_sdp_media_remove_attribute(media, at);
      g_free(format);
    }
  }
}
