/* Sections of a viewer's description, as they are looked through for a place for our picture, and as answers made from them are mended. */
#include <stdlib.h>
#include <string.h>
#include "tracks.c"
#include "camera.h"

static guint count_of(const GstSDPMedia *media, const char *key) {
  guint count = 0;
  while (gst_sdp_media_get_attribute_val_n(media, key, count) != NULL) count++;
  return count;
}

static void look_at(GstSDPMedia *media) {
  static const char *const codecs[] = { "VP8", "H264" };
  receives(media);
  for (guint i = 0; i < G_N_ELEMENTS(codecs); i++) {
    options.codec = (char *)codecs[i];
    int payload = payload_in(media);
    /* Seven bits of the header of RTP (RFC 3550 section 5.1). */
    CHECK(payload >= -1 && payload <= 127);
  }
  section_has_ssrc(media, 1);
  section_name_track(media, "front");
  CHECK(count_of(media, "msid") == 1 && strcmp(gst_sdp_media_get_attribute_val(media, "msid"), "lenskey front") == 0);
  section_set_direction(media, "inactive");
  CHECK(section_direction(media) == GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_INACTIVE);
}

/* As webrtcbin does it. */
static void make_fields(const GstSDPMessage *sdp) {
  GstCaps *of_all = gst_caps_new_empty_simple("application/x-unknown");
  gst_sdp_message_attributes_to_caps(sdp, of_all);
  gst_caps_unref(of_all);
  for (guint i = 0; i < gst_sdp_message_medias_len(sdp); i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media(sdp, i);
    for (guint at = 0; at < gst_sdp_media_formats_len(media); at++) {
      GstCaps *caps = gst_sdp_media_get_caps_from_media(media, atoi(gst_sdp_media_get_format(media, at)));
      if (caps == NULL) continue;
      gst_sdp_media_attributes_to_caps(media, caps);
      gst_caps_unref(caps);
    }
  }
}

/* GLib numbers the names that it keeps. */
static GQuark names_kept(void) {
  static guint asked;
  char *name = g_strdup_printf("name of this test %u", ++asked);
  GQuark number = g_quark_from_string(name);
  g_free(name);
  return number - asked;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static GQuark names_before;
  if (names_before == 0) names_before = names_kept();
  char **texts = texts_of(data, size, 1);
  struct remote remote;
  struct failure failure;
  if (remote_read(&remote, texts[0], &failure)) {
    for (guint i = 0; i < remote.sections.count; i++) look_at((GstSDPMedia *)gst_sdp_message_get_media(remote.sdp, i));
    make_fields(remote.sdp);
    static guint looks;
    /* Each look leaves a name as well. 255 extensions, and less than a hundred of everything else. */
    if (++looks % 64 == 0) CHECK(names_kept() - names_before < 400);
  }
  remote_clear(&remote);
  g_strfreev(texts);
  return 0;
}
