/* The picture as tracks of a connection. A track gets its section with the next offer of ours, or in an answer, where the viewer has
   offered to receive video; packets flow between startVideo and stopVideo, while the viewer takes them and is who it says. */
#include <string.h>
#include <gst/video/video.h>
#include "engine.h"

enum { PAYLOAD_VP8 = 96, PAYLOAD_H264 = 102, TRIES = 2 };

struct track {
  struct outlet outlet;
  struct connection *connection; /* not counted: it owns the track */
  char *name, *mid;
  gboolean sending, flowing;
  int tries, payload;
  guint32 ssrc;
  guint16 sequence;
  GstWebRTCRTPTransceiver *transceiver;
  GstPad *pad, *sink; /* ours, and webrtcbin's */
};

/* On the source's thread. */
static gboolean push(struct outlet *outlet, GstBuffer *packet) {
  struct track *track = (struct track *)outlet;
  GstMapInfo map;
  if (!g_atomic_int_get(&track->connection->ready)) return TRUE;
  GstBuffer *own = gst_buffer_copy_deep(packet);
  if (gst_buffer_map(own, &map, GST_MAP_READWRITE)) {
    if (map.size >= 12) {
      map.data[1] = (map.data[1] & 0x80) | track->payload;
      /* One row of numbers over all starts of the source: SRTP drops those that jump back. */
      GST_WRITE_UINT16_BE(map.data + 2, track->sequence++);
      GST_WRITE_UINT32_BE(map.data + 8, track->ssrc);
    }
    gst_buffer_unmap(own, &map);
  }
  return gst_pad_push(track->pad, own) == GST_FLOW_OK;
}

static gboolean on_upstream(GstPad *pad, GstObject *parent, GstEvent *event) {
  (void)pad, (void)parent;
  if (gst_video_event_is_force_key_unit(event)) source_key_frame();
  gst_event_unref(event);
  return TRUE;
}

/* Sender reports want to know how late packets are. */
static gboolean on_query(GstPad *pad, GstObject *parent, GstQuery *query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) return gst_pad_query_default(pad, parent, query);
  gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static void set_flowing(struct track *track, gboolean flowing) {
  if (track->flowing == flowing) return;
  track->flowing = flowing;
  if (flowing) gst_bin_recalculate_latency(GST_BIN(track->connection->pipeline));
  if (flowing) source_add(&track->outlet);
  else source_remove(&track->outlet);
}

static gboolean attach(struct track *track, GstCaps *caps) {
  GstElement *webrtc = track->connection->webrtc;
  GstPadTemplate *template = gst_element_get_pad_template(webrtc, "sink_%u");
  track->sink = gst_element_request_pad(webrtc, template, NULL, caps);
  if (track->sink == NULL) return FALSE;
  g_object_get(track->sink, "transceiver", &track->transceiver, NULL);
  g_object_set(track->transceiver, "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, "codec-preferences", caps, "do-nack", TRUE, NULL);
  track->pad = gst_object_ref_sink(gst_pad_new("src", GST_PAD_SRC));
  gst_pad_set_event_function(track->pad, on_upstream);
  gst_pad_set_query_function(track->pad, on_query);
  gst_pad_set_active(track->pad, TRUE);
  gst_pad_link_full(track->pad, track->sink, GST_PAD_LINK_CHECK_NOTHING);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(track->pad, gst_event_new_stream_start(track->name));
  gst_pad_push_event(track->pad, gst_event_new_caps(caps));
  gst_pad_push_event(track->pad, gst_event_new_segment(&segment));
  return TRUE;
}

static void detach(struct track *track) {
  if (track->pad != NULL) gst_pad_push_event(track->pad, gst_event_new_flush_start()); /* whoever waits in it */
  set_flowing(track, FALSE);
  if (track->pad != NULL) {
    gst_pad_set_active(track->pad, FALSE);
    gst_pad_unlink(track->pad, track->sink);
    g_object_set(track->transceiver, "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_INACTIVE, NULL);
  }
  g_clear_object(&track->pad);
  g_clear_object(&track->sink);
  g_clear_object(&track->transceiver);
  g_clear_pointer(&track->mid, g_free);
  track->ssrc = g_random_int() | 1;
}

void track_free(gpointer data) {
  struct track *track = data;
  detach(track);
  g_free(track->name);
  g_free(track);
}

static struct track *find(struct connection *connection, const char *name) {
  for (guint i = 0; i < connection->tracks->len; i++) {
    struct track *track = g_ptr_array_index(connection->tracks, i);
    if (strcmp(track->name, name) == 0) return track;
  }
  return NULL;
}

void track_start(struct connection *connection, const char *name) {
  struct track *track = find(connection, name);
  if (track == NULL && connection->tracks->len >= MAX_TRACKS) return;
  if (track == NULL) {
    track = g_new0(struct track, 1);
    track->outlet.push = push;
    track->connection = connection;
    track->name = g_strdup(name);
    track->ssrc = g_random_int() | 1;
    g_ptr_array_add(connection->tracks, track);
  }
  track->sending = TRUE;
  tracks_update(connection);
  connection_needs_offer(connection);
}

void track_stop(struct connection *connection, const char *name) {
  for (guint i = 0; i < connection->tracks->len; i++) {
    struct track *track = g_ptr_array_index(connection->tracks, i);
    if (name == NULL || strcmp(track->name, name) == 0) track->sending = FALSE;
  }
  tracks_update(connection);
}

gboolean tracks_wait(struct connection *connection) {
  for (guint i = 0; i < connection->tracks->len; i++) {
    struct track *track = g_ptr_array_index(connection->tracks, i);
    if (track->sending && track->transceiver == NULL && track->tries < TRIES) return TRUE;
    if (track->sending && track->transceiver != NULL && track->mid == NULL) return TRUE;
  }
  return FALSE;
}

gboolean track_owns(struct connection *connection, GstWebRTCRTPTransceiver *transceiver) {
  for (guint i = 0; i < connection->tracks->len; i++) if (((struct track *)g_ptr_array_index(connection->tracks, i))->transceiver == transceiver) return TRUE;
  return FALSE;
}

static void join(struct track *track, int payload, GstCaps *caps) {
  track->payload = payload;
  track->tries++;
  if (!attach(track, caps)) g_printerr("the picture has no place in connection %" G_GINT64_FORMAT "\n", track->connection->number);
  gst_caps_unref(caps);
}

static struct track *next_waiting(struct connection *connection) {
  for (guint i = 0; i < connection->tracks->len; i++) {
    struct track *track = g_ptr_array_index(connection->tracks, i);
    if (track->sending && track->transceiver == NULL && track->tries < TRIES) return track;
  }
  return NULL;
}

void tracks_join_offer(struct connection *connection) {
  int payload = strcmp(options.codec, "VP8") == 0 ? PAYLOAD_VP8 : PAYLOAD_H264;
  for (struct track *track; (track = next_waiting(connection)) != NULL;) join(track, payload, source_caps(payload, track->ssrc));
}

static gboolean receives(const GstSDPMedia *media) {
  GstWebRTCRTPTransceiverDirection direction = section_direction(media);
  return direction == GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY || direction == GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDRECV;
}

/* The number that the viewer gives our codec; -1 when it does not know it. H264 in fragments, baseline where there is a choice. */
static int payload_in(const GstSDPMedia *media) {
  int found = -1;
  for (guint i = 0; i < MIN(gst_sdp_media_formats_len(media), 64); i++) {
    guint64 payload; /* of seven bits: RFC 3550 section 5.1 */
    if (!g_ascii_string_to_unsigned(gst_sdp_media_get_format(media, i), 10, 0, 127, &payload, NULL)) continue;
    GstCaps *caps = gst_sdp_media_get_caps_from_media(media, payload);
    if (caps == NULL) continue;
    const GstStructure *fields = gst_caps_get_structure(caps, 0);
    const char *mode = gst_structure_get_string(fields, "packetization-mode"), *profile = gst_structure_get_string(fields, "profile-level-id");
    gboolean fits = g_strcmp0(gst_structure_get_string(fields, "encoding-name"), options.codec) == 0;
    if (strcmp(options.codec, "H264") == 0) fits = fits && g_strcmp0(mode, "1") == 0;
    gboolean best = strcmp(options.codec, "VP8") == 0 || (profile != NULL && g_ascii_strncasecmp(profile, "42", 2) == 0);
    if (fits && (best || found < 0)) found = payload;
    gst_caps_unref(caps);
    if (fits && best) break;
  }
  return found;
}

/* webrtcbin gives new sections away in their order, so that ours has to be the first that is new. */
void tracks_join_answer(struct connection *connection, const GstSDPMessage *offer) {
  struct track *track = next_waiting(connection);
  for (guint i = connection->offered.count; track != NULL && i < gst_sdp_message_medias_len(offer); i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media(offer, i);
    if (strcmp(gst_sdp_media_get_media(media), "video") != 0) continue;
    int payload = receives(media) && gst_sdp_media_get_port(media) != 0 ? payload_in(media) : -1;
    if (payload < 0) return;
    GstCaps *caps = gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING, "video", "encoding-name", G_TYPE_STRING, options.codec,
      "clock-rate", G_TYPE_INT, 90000, "payload", G_TYPE_INT, payload, "ssrc", G_TYPE_UINT, track->ssrc, NULL);
    join(track, payload, caps);
    track = next_waiting(connection);
  }
}

void tracks_settle(struct connection *connection, GstSDPMessage *local) {
  for (guint i = 0; i < connection->tracks->len; i++) {
    struct track *track = g_ptr_array_index(connection->tracks, i);
    for (guint j = 0; track->transceiver != NULL && j < gst_sdp_message_medias_len(local); j++) {
      GstSDPMedia *media = (GstSDPMedia *)gst_sdp_message_get_media(local, j);
      if (!section_has_ssrc(media, track->ssrc)) continue;
      section_name_track(media, track->name);
      if (g_strcmp0(track->mid, section_mid(media)) == 0) break;
      g_free(track->mid);
      track->mid = g_strdup(section_mid(media));
      GString *line = line_new("track", connection->number);
      line_text(line, "track", track->name);
      line_text(line, "mid", track->mid);
      camera_send(line);
      break;
    }
  }
}

static const GstSDPMedia *section_of(const struct connection *connection, const char *mid) {
  const struct sections *sections = &connection->agreed.sections;
  for (guint i = 0; mid != NULL && i < sections->count; i++) if (strcmp(sections->mids[i], mid) == 0) return gst_sdp_message_get_media(connection->agreed.sdp, i);
  return NULL;
}

void tracks_update(struct connection *connection) {
  for (guint i = 0; i < connection->tracks->len; i++) {
    struct track *track = g_ptr_array_index(connection->tracks, i);
    const GstSDPMedia *media = section_of(connection, track->mid);
    gboolean wanted = media != NULL && gst_sdp_media_get_port(media) != 0 && receives(media);
    /* Given to a section in which the viewer only sends, by an answer: another try in one of our own. */
    if (media != NULL && !wanted && track->tries < TRIES && strcmp(connection->signaling, "stable") == 0) detach(track);
    if (!wanted || !track->sending || !g_atomic_int_get(&connection->ready)) set_flowing(track, FALSE);
    else if (strcmp(connection->signaling, "stable") == 0) set_flowing(track, TRUE);
  }
}

void tracks_forget_places(struct connection *connection) {
  for (guint i = 0; i < connection->tracks->len; i++) {
    struct track *track = g_ptr_array_index(connection->tracks, i);
    detach(track);
    track->tries = 0;
  }
}
