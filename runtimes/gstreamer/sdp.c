/* Descriptions and candidates of viewers. webrtcbin takes much on trust and ends the process over some of what it does not expect
   (a section without mid, sections that change places), so that all of it is looked at here. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <gio/gio.h>
#include "engine.h"

static const char refused[] = "ERR_WEBRTC_DESCRIPTION_REFUSED";

gboolean fail(struct failure *failure, const char *code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  failure->code = code;
  g_vsnprintf(failure->text, sizeof failure->text, format, arguments);
  va_end(arguments);
  return FALSE;
}

const char *section_mid(const GstSDPMedia *media) {
  return gst_sdp_media_get_attribute_val(media, "mid");
}

static char kind_of(const GstSDPMedia *media) {
  const char *kind = gst_sdp_media_get_media(media);
  return strcmp(kind, "audio") == 0 ? 'a' : strcmp(kind, "video") == 0 ? 'v' : strcmp(kind, "application") == 0 ? 'd' : 0;
}

static gboolean is_plain(const char *text, gsize least, gsize most) {
  gsize length = text == NULL ? 0 : strlen(text);
  if (length < least || length > most) return FALSE;
  for (; *text != 0; text++) if (!g_ascii_isgraph(*text)) return FALSE;
  return TRUE;
}

void sections_of(const GstSDPMessage *sdp, struct sections *sections) {
  sections->count = MIN(gst_sdp_message_medias_len(sdp), MAX_SECTIONS);
  for (guint i = 0; i < sections->count; i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media(sdp, i);
    const char *mid = section_mid(media);
    g_strlcpy(sections->mids[i], mid ? mid : "", MAX_NAME_BYTES);
    sections->kinds[i] = kind_of(media);
  }
}

/* Each section has one mid of its own and is of a kind that we know. */
static gboolean check_sections(const GstSDPMessage *sdp, struct failure *failure) {
  guint count = gst_sdp_message_medias_len(sdp);
  if (count == 0 || count > MAX_SECTIONS) return fail(failure, refused, "the remote description has %u media sections", count);
  for (guint i = 0; i < count; i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media(sdp, i);
    if (kind_of(media) == 0) return fail(failure, refused, "a section of the remote description is of an unknown kind");
    if (!is_plain(section_mid(media), 1, 32) || gst_sdp_media_get_attribute_val_n(media, "mid", 1) != NULL) return fail(failure, refused, "a section of the remote description has no mid, or a wrong one");
    for (guint j = 0; j < i; j++) {
      if (strcmp(section_mid(gst_sdp_message_get_media(sdp, j)), section_mid(media)) == 0) return fail(failure, refused, "two sections of the remote description have one mid");
    }
  }
  return TRUE;
}

/* One bundle of all that is not rejected, so that there is one transport and one certificate. webrtcbin looks at the first group
   only, whatever that is, so that the others are taken out. */
static gboolean check_bundle(struct remote *remote, struct failure *failure) {
  GstSDPMessage *sdp = remote->sdp;
  guint bundles = 0;
  for (guint i = gst_sdp_message_attributes_len(sdp); i-- > 0;) {
    const GstSDPAttribute *attribute = gst_sdp_message_get_attribute(sdp, i);
    if (strcmp(attribute->key, "group") != 0) continue;
    if (g_str_has_prefix(attribute->value, "BUNDLE ")) bundles++;
    else gst_sdp_message_remove_attribute(sdp, i);
  }
  if (bundles > 1) return fail(failure, refused, "the remote description has two bundles");
  const char *group = gst_sdp_message_get_attribute_val(sdp, "group");
  if (group == NULL) return fail(failure, refused, "the remote description has no bundle");
  char **mids = g_strsplit(group, " ", MAX_SECTIONS + 2);
  gboolean found = FALSE;
  for (guint i = 0; i < remote->sections.count; i++) {
    gboolean within = g_strv_contains((const char *const *)mids + 1, remote->sections.mids[i]);
    if (!within && gst_sdp_media_get_port(gst_sdp_message_get_media(sdp, i)) != 0) {
      g_strfreev(mids);
      return fail(failure, refused, "a section of the remote description is in no bundle");
    }
    if (mids[1] != NULL && strcmp(mids[1], remote->sections.mids[i]) == 0) {
      remote->bundle = i;
      found = TRUE;
    }
  }
  g_strfreev(mids);
  return found || fail(failure, refused, "the bundle of the remote description begins with no section");
}

static const char *attribute_of(const struct remote *remote, guint section, const char *name) {
  const char *own = gst_sdp_media_get_attribute_val(gst_sdp_message_get_media(remote->sdp, section), name);
  return own ? own : gst_sdp_message_get_attribute_val(remote->sdp, name);
}

/* Pairs of hexadecimal digits with colons between them (RFC 8122 section 5). */
static gboolean read_digest(const char *text, gsize bytes, char *to) {
  if (strlen(text) != 3 * bytes - 1) return FALSE;
  for (gsize i = 0; text[i] != 0; i++) {
    if (i % 3 == 2 ? text[i] != ':' : !g_ascii_isxdigit(text[i])) return FALSE;
    if (i % 3 != 2) *to++ = g_ascii_tolower(text[i]);
  }
  *to = 0;
  return TRUE;
}

static gboolean read_fingerprint(struct remote *remote, struct failure *failure) {
  static const struct { const char *name; GChecksumType type; gsize bytes; } hashes[] = {
    { "sha-256 ", G_CHECKSUM_SHA256, 32 }, { "sha-384 ", G_CHECKSUM_SHA384, 48 }, { "sha-512 ", G_CHECKSUM_SHA512, 64 },
  };
  const char *value = attribute_of(remote, remote->bundle, "fingerprint");
  for (guint i = 0; value != NULL && i < G_N_ELEMENTS(hashes); i++) {
    gsize name = strlen(hashes[i].name);
    if (g_ascii_strncasecmp(value, hashes[i].name, name) != 0 || !read_digest(value + name, hashes[i].bytes, remote->fingerprint.digest)) continue;
    remote->fingerprint.type = hashes[i].type;
    return TRUE;
  }
  return fail(failure, refused, "the remote description has no fingerprint of SHA-256, SHA-384 or SHA-512");
}

/* Both of the section, or both of the session, as webrtcbin takes them. */
static gboolean read_path(struct remote *remote, struct failure *failure) {
  const GstSDPMedia *media = gst_sdp_message_get_media(remote->sdp, remote->bundle);
  const char *ufrag = gst_sdp_media_get_attribute_val(media, "ice-ufrag"), *password = gst_sdp_media_get_attribute_val(media, "ice-pwd");
  if (ufrag == NULL || password == NULL) {
    ufrag = gst_sdp_message_get_attribute_val(remote->sdp, "ice-ufrag");
    password = gst_sdp_message_get_attribute_val(remote->sdp, "ice-pwd");
  }
  /* RFC 8839 section 5.4 */
  if (!is_plain(ufrag, 4, 255) || !is_plain(password, 22, 255)) return fail(failure, refused, "the remote description has no ICE credentials");
  g_strlcpy(remote->ufrag, ufrag, sizeof remote->ufrag);
  g_strlcpy(remote->password, password, sizeof remote->password);
  return TRUE;
}

/* They go through the same hands as those that come one by one. */
static void take_candidates(struct remote *remote) {
  for (guint i = 0; i < remote->sections.count; i++) {
    GstSDPMedia *media = (GstSDPMedia *)gst_sdp_message_get_media(remote->sdp, i);
    for (guint at = gst_sdp_media_attributes_len(media); at-- > 0;) {
      const GstSDPAttribute *attribute = gst_sdp_media_get_attribute(media, at);
      if (strcmp(attribute->key, "candidate") != 0) continue;
      if (remote->candidates->len < MAX_CANDIDATES) g_ptr_array_add(remote->candidates, g_strconcat("candidate:", attribute->value, NULL));
      gst_sdp_media_remove_attribute(media, at);
    }
  }
}

gboolean remote_read(struct remote *remote, const char *text, struct failure *failure) {
  memset(remote, 0, sizeof *remote);
  if (text == NULL || *text == 0 || strlen(text) > MAX_SDP_BYTES) return fail(failure, refused, "the remote description is missing or too long");
  gst_sdp_message_new(&remote->sdp);
  remote->candidates = g_ptr_array_new_with_free_func(g_free);
  if (gst_sdp_message_parse_buffer((const guint8 *)text, strlen(text), remote->sdp) != GST_SDP_OK) return fail(failure, refused, "the remote description is no SDP");
  if (!check_sections(remote->sdp, failure)) return FALSE;
  sections_of(remote->sdp, &remote->sections);
  if (!check_bundle(remote, failure) || !read_fingerprint(remote, failure) || !read_path(remote, failure)) return FALSE;
  take_candidates(remote);
  attributes_keep_known(remote->sdp);
  return TRUE;
}

void remote_clear(struct remote *remote) {
  if (remote->sdp != NULL) gst_sdp_message_free(remote->sdp);
  if (remote->candidates != NULL) g_ptr_array_unref(remote->candidates);
  memset(remote, 0, sizeof *remote);
}

/* @returns the credential of before in the place of this one; NULL when the attribute is none */
static const char *credential_before(const GstSDPAttribute *attribute, const struct remote *before) {
  return strcmp(attribute->key, "ice-ufrag") == 0 ? before->ufrag : strcmp(attribute->key, "ice-pwd") == 0 ? before->password : NULL;
}

/* Without its wish for another path (RFC 8839 section 4.4.1.1.1), with the credentials of before. */
void remote_keep_path(struct remote *remote, const struct remote *before) {
  GstSDPAttribute kept;
  for (guint at = 0; at < gst_sdp_message_attributes_len(remote->sdp); at++) {
    const GstSDPAttribute *attribute = gst_sdp_message_get_attribute(remote->sdp, at);
    const char *value = credential_before(attribute, before);
    if (value == NULL) continue;
    gst_sdp_attribute_set(&kept, attribute->key, value);
    gst_sdp_message_replace_attribute(remote->sdp, at, &kept);
  }
  for (guint i = 0; i < remote->sections.count; i++) {
    GstSDPMedia *media = (GstSDPMedia *)gst_sdp_message_get_media(remote->sdp, i);
    for (guint at = 0; at < gst_sdp_media_attributes_len(media); at++) {
      const GstSDPAttribute *attribute = gst_sdp_media_get_attribute(media, at);
      const char *value = credential_before(attribute, before);
      if (value == NULL) continue;
      gst_sdp_attribute_set(&kept, attribute->key, value);
      gst_sdp_media_replace_attribute(media, at, &kept);
    }
  }
  memcpy(remote->ufrag, before->ufrag, sizeof remote->ufrag);
  memcpy(remote->password, before->password, sizeof remote->password);
}

/* @param pem - as the DTLS element has it */
gboolean fingerprint_matches(const struct fingerprint *fingerprint, const char *pem) {
  static const char begin[] = "-----BEGIN CERTIFICATE-----";
  const char *from = pem ? strstr(pem, begin) : NULL, *to = from ? strstr(from, "-----END") : NULL;
  if (to == NULL) return FALSE;
  char *body = g_strndup(from + strlen(begin), to - from - strlen(begin));
  gsize length;
  guchar *der = g_base64_decode(body, &length);
  char *digest = g_compute_checksum_for_data(fingerprint->type, der, length);
  gboolean same = strcmp(digest, fingerprint->digest) == 0;
  g_free(digest);
  g_free(der);
  g_free(body);
  return same;
}

static const char *const directions[] = { "sendrecv", "sendonly", "recvonly", "inactive" };
static const GstWebRTCRTPTransceiverDirection direction_values[] = {
  GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDRECV, GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY,
  GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_INACTIVE,
};

GstWebRTCRTPTransceiverDirection section_direction(const GstSDPMedia *media) {
  for (guint i = 0; i < G_N_ELEMENTS(directions); i++) if (gst_sdp_media_get_attribute_val(media, directions[i]) != NULL) return direction_values[i];
  return GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDRECV;
}

void section_set_direction(GstSDPMedia *media, const char *direction) {
  for (guint at = gst_sdp_media_attributes_len(media); at-- > 0;) {
    const char *key = gst_sdp_media_get_attribute(media, at)->key;
    for (guint i = 0; i < G_N_ELEMENTS(directions); i++) {
      if (strcmp(key, directions[i]) != 0) continue;
      gst_sdp_media_remove_attribute(media, at);
      break;
    }
  }
  gst_sdp_media_add_attribute(media, direction, "");
}

gboolean section_has_ssrc(const GstSDPMedia *media, guint32 ssrc) {
  for (guint at = 0; at < gst_sdp_media_attributes_len(media); at++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute(media, at);
    if (strcmp(attribute->key, "ssrc") == 0 && strtoul(attribute->value, NULL, 10) == ssrc) return TRUE;
  }
  return FALSE;
}

/* `msid` as RFC 8830 has it, in the place of webrtcbin's own names. */
void section_name_track(GstSDPMedia *media, const char *track) {
  for (guint at = gst_sdp_media_attributes_len(media); at-- > 0;) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute(media, at);
    gboolean of_ssrc = strcmp(attribute->key, "ssrc") == 0 && strstr(attribute->value, " msid:") != NULL;
    if (of_ssrc || strcmp(attribute->key, "msid") == 0) gst_sdp_media_remove_attribute(media, at);
  }
  char *value = g_strdup_printf("lenskey %s", track);
  gst_sdp_media_add_attribute(media, "msid", value);
  g_free(value);
}

gboolean address_is_loopback(const char *address) {
  GInetAddress *parsed = g_inet_address_new_from_string(address);
  gboolean is = parsed != NULL && g_inet_address_get_is_loopback(parsed);
  g_clear_object(&parsed);
  return is;
}

static gboolean is_below(const char *text, guint64 limit) {
  char *end;
  if (!g_ascii_isdigit(*text) || strlen(text) > 10) return FALSE;
  return g_ascii_strtoull(text, &end, 10) < limit && *end == 0;
}

/* RFC 8839 section 5.1. Names are not looked up: what a viewer writes there must not choose whom the board asks; a browser that
   hides its address behind one reaches us all the same. @param ufrag - of the viewer's description */
enum candidate_use candidate_read(const char *text, const char *ufrag) {
  if (strlen(text) > 1024 || !g_str_has_prefix(text, "candidate:")) return CANDIDATE_REFUSED;
  for (const char *at = text; *at != 0; at++) if (!g_ascii_isprint(*at)) return CANDIDATE_REFUSED;
  char **words = g_strsplit(text + strlen("candidate:"), " ", 64);
  guint count = g_strv_length(words);
  enum candidate_use use = CANDIDATE_REFUSED;
  static const char *const types[] = { "host", "srflx", "prflx", "relay", NULL };
  if (count >= 8 && is_plain(words[0], 1, 32) && is_below(words[1], 257) && is_below(words[3], (guint64)1 << 32) && is_plain(words[4], 1, 255)
      && is_below(words[5], 65536) && strcmp(words[6], "typ") == 0 && g_strv_contains(types, words[7])) {
    GInetAddress *address = g_inet_address_new_from_string(words[4]);
    gboolean fits = strcmp(words[1], "1") == 0 && g_ascii_strcasecmp(words[2], "udp") == 0 && address != NULL && strtoul(words[5], NULL, 10) != 0;
    if (fits && options.address != NULL && address_is_loopback(options.address)) fits = g_inet_address_get_is_loopback(address);
    for (guint i = 8; i + 1 < count; i += 2) if (strcmp(words[i], "ufrag") == 0 && strcmp(words[i + 1], ufrag) != 0) fits = FALSE;
    g_clear_object(&address);
    use = fits ? CANDIDATE_USED : CANDIDATE_UNUSED;
  }
  g_strfreev(words);
  return use;
}
