/* Sections of a viewer's description, as they are looked through for a place for our picture, and as answers made from them are mended. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char **texts = texts_of(data, size, 1);
  struct remote remote;
  struct failure failure;
  if (remote_read(&remote, texts[0], &failure)) {
    for (guint i = 0; i < remote.sections.count; i++) look_at((GstSDPMedia *)gst_sdp_message_get_media(remote.sdp, i));
  }
  remote_clear(&remote);
  g_strfreev(texts);
  return 0;
}
