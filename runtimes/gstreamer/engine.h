/* What the parts of the engine know of each other. Lines, connections, channels and tracks belong to the main loop; what GStreamer
   tells on its own threads is posted to it. docs/engine-protocol.md is what is spoken, docs/porting.md how to build and start it. */
#ifndef LENSKEY_ENGINE_H
#define LENSKEY_ENGINE_H

#define GST_USE_UNSTABLE_API
#include <gst/gst.h>
#include <gst/webrtc/webrtc.h>
#include <json-glib/json-glib.h>

enum {
  MAX_LINE_BYTES = 262144, /* of the protocol */
  MAX_LINE_DEPTH = 16,
  MAX_QUEUED_BYTES = 4 << 20, /* for a camera that does not read, from a viewer whom it does not keep up with, to a viewer */
  MAX_CONNECTIONS = 64,
  MAX_CHANNELS = 64, /* of one connection, at a time */
  MAX_CHANNELS_EVER = 4096,
  MAX_TRACKS = 8,
  MAX_SDP_BYTES = 65536,
  MAX_SECTIONS = 32,
  MAX_CANDIDATES = 128,
  MAX_MESSAGE_BYTES = 65536, /* of a data channel, what the descriptions promise by saying nothing (RFC 8841 section 6) */
  MAX_NAME_BYTES = 256, /* labels, protocols, tracks, mids */
  LEAVING_MS = 50, /* longer than what a viewer said before it left is on its way through threads of GStreamer */
};

struct options {
  char *socket, *source, *codec, *address, *ports;
  int width, height, framerate, kilobits;
};
extern struct options options;

/* lines.c: what is said to the camera. */
GString *line_new(const char *event, gint64 connection);
void line_text(GString *line, const char *name, const char *value); /* NULL is null; what is no UTF-8 is mended */
void line_number(GString *line, const char *name, gint64 value);
void line_bytes(GString *line, const char *name, gconstpointer bytes, gsize length);
void line_member(GString *line, const char *name); /* and then its value, appended by the caller */
void line_quoted(GString *line, const char *value);
/* One line of the camera. @returns NULL when it is no JSON object */
JsonObject *line_read(const char *text, gsize length);
const char *member_text(JsonObject *line, const char *name); /* NULL when it is no text, of UTF-8 */
gboolean member_number(JsonObject *line, const char *name, gint64 *value); /* whole, not negative */

/* main.c: the stream to the camera. Takes the line; a camera that does not read is dropped. */
void camera_send(GString *line);

struct failure { const char *code; char text[160]; };
gboolean fail(struct failure *failure, const char *code, const char *format, ...) G_GNUC_PRINTF(3, 4); /* @returns FALSE */

/* attributes.c */
void attributes_keep_known(GstSDPMessage *sdp); /* of a viewer: takes out what webrtcbin need not see */

/* sdp.c: what may come from a viewer. Nothing reaches webrtcbin that it would end the process over. */
struct description { const char *type; char *sdp; };
struct fingerprint { GChecksumType type; char digest[3 * 64]; };
struct sections { /* of a description, in its order */
  guint count;
  char mids[MAX_SECTIONS][MAX_NAME_BYTES];
  char kinds[MAX_SECTIONS]; /* a, v or d */
};
struct remote { /* of what a viewer describes */
  GstSDPMessage *sdp;
  struct sections sections;
  struct fingerprint fingerprint;
  guint bundle; /* the section whose transport all share */
  char ufrag[MAX_NAME_BYTES], password[MAX_NAME_BYTES];
  GPtrArray *candidates;
};
gboolean remote_read(struct remote *remote, const char *text, struct failure *failure);
void remote_clear(struct remote *remote);
void remote_keep_path(struct remote *remote, const struct remote *before);
gboolean fingerprint_matches(const struct fingerprint *fingerprint, const char *pem);
void sections_of(const GstSDPMessage *sdp, struct sections *sections);
const char *section_mid(const GstSDPMedia *media);
GstWebRTCRTPTransceiverDirection section_direction(const GstSDPMedia *media);
void section_set_direction(GstSDPMedia *media, const char *direction);
gboolean section_has_ssrc(const GstSDPMedia *media, guint32 ssrc);
void section_name_track(GstSDPMedia *media, const char *track);
gboolean address_is_loopback(const char *address);
enum candidate_use { CANDIDATE_REFUSED, CANDIDATE_UNUSED, CANDIDATE_USED };
enum candidate_use candidate_read(const char *text, const char *ufrag);

/* connection.c */
struct connection {
  gint64 number;
  GstElement *pipeline, *webrtc;
  gboolean closed;
  GHashTable *channels; /* by number */
  guint last_channel; /* of the viewer's */
  GPtrArray *tracks;
  const char *signaling; /* of W3C */
  struct description local, remote, offer; /* offer: ours, as long as it is not answered */
  GstWebRTCSessionDescription *held_offer; /* ours, not given to webrtcbin yet, which could not take it back */
  struct remote agreed; /* the viewer's last, and what it said first */
  struct sections offered; /* by our last description, taken back or not */
  JsonArray *servers;
  guint candidates;
  gboolean told_need, has_channel, is_failed, is_over;
  char *told[5]; /* as the camera knows them */
  /* For all threads. */
  gint trusted; /* the viewer has the certificate of its description */
  gint ready; /* it is trusted and connected */
  gint leaving; /* the viewer has said that it goes */
  gint queued_bytes, channels_ever;
  GMutex lock; /* for fingerprint */
  struct fingerprint fingerprint;
  gboolean has_fingerprint;
};
void connections_init(void);
void connections_take(JsonObject *line);
void connections_close_all(void);
/* Has the main loop call `run` unless the connection is closed by then; `data` is freed by `clear` in any case. From any thread. */
void post(struct connection *connection, void (*run)(struct connection *, gpointer), gpointer data, GDestroyNotify clear);
struct connection *connection_ref(struct connection *connection);
void connection_unref(gpointer connection);
/* It goes on no longer: the viewer has done what it must not. */
void connection_give_up(struct connection *connection, const char *why);
void connection_needs_offer(struct connection *connection);
gboolean connection_has_data_section(const struct connection *connection);
void connection_tell_state(struct connection *connection);
gboolean connection_is_lost(struct connection *connection);
void connection_renew(struct connection *connection); /* with a webrtcbin that knows nothing yet */

/* negotiation.c: requests of the camera. @returns whether it is done */
void description_clear(struct description *description);
gboolean set_local(struct connection *connection, JsonObject *line, struct failure *failure);
gboolean set_remote(struct connection *connection, JsonObject *line, struct failure *failure);
gboolean take_candidate(struct connection *connection, JsonObject *line, struct failure *failure);

/* channels.c */
void channels_watch(struct connection *connection);
gboolean sctp_says_end(const guint8 *packet, gsize length); /* of all its data: shut down or aborted (RFC 9260 section 9) */
void channels_take(struct connection *connection, gint64 number, const char *what, JsonObject *line);
void channels_hold_section(struct connection *connection);
void channels_make_anew(struct connection *connection); /* webrtcbin is a new one */
gboolean channels_wait(struct connection *connection); /* for a section of data */
void channel_unref(gpointer channel);

/* tracks.c: the picture, as tracks of a connection. */
void track_start(struct connection *connection, const char *name);
void track_stop(struct connection *connection, const char *name); /* NULL: all */
gboolean tracks_wait(struct connection *connection); /* for a section of media */
void tracks_join_offer(struct connection *connection);
void tracks_join_answer(struct connection *connection, const GstSDPMessage *offer);
void tracks_settle(struct connection *connection, GstSDPMessage *local); /* names them in it, and tells the camera where they are */
gboolean track_owns(struct connection *connection, GstWebRTCRTPTransceiver *transceiver);
void tracks_update(struct connection *connection);
void tracks_forget_places(struct connection *connection); /* webrtcbin is gone */
void track_free(gpointer track);

/* source.c: one encoder for all. */
struct outlet { /* where packets go */
  gboolean (*push)(struct outlet *outlet, GstBuffer *packet);
};
gboolean source_init(GError **error);
void source_add(struct outlet *outlet);
void source_remove(struct outlet *outlet);
void source_key_frame(void);
GstCaps *source_caps(int payload, guint32 ssrc); /* as webrtcbin takes them for an offer */
GstClockTime source_base_time(void);
void source_end(void);

#endif
