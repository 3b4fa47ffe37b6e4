/* Data channels: odd numbers are the camera's, even ones the viewer's. */
#include <string.h>
#include "engine.h"

struct channel {
  gint64 number;
  struct connection *connection;
  GstWebRTCDataChannel *native;
  char *label, *protocol;
  gboolean ordered, told_open, told_closed;
  guint64 sent, taken; /* bytes of messages */
  gint is_counting; /* a look at what went out is on its way */
};

static void channel_clear(gpointer data) {
  struct channel *channel = data;
  g_clear_object(&channel->native);
  g_free(channel->label);
  g_free(channel->protocol);
  connection_unref(channel->connection);
}

void channel_unref(gpointer channel) {
  g_atomic_rc_box_release_full(channel, channel_clear);
}

static void closure_unref(gpointer channel, GClosure *closure) {
  (void)closure;
  channel_unref(channel);
}

static struct channel *find(struct connection *connection, gint64 number) {
  return g_hash_table_lookup(connection->channels, &number);
}

static void tell(const struct channel *channel, const char *event) {
  GString *line = line_new(event, channel->connection->number);
  line_number(line, "channel", channel->number);
  camera_send(line);
}

static void post_channel(struct channel *channel, void (*run)(struct connection *, gpointer)) {
  post(channel->connection, run, g_atomic_rc_box_acquire(channel), channel_unref);
}

/* In the main loop */

/* Before a word about a channel. */
static void tell_connected(struct connection *connection) {
  if (connection->has_channel) return;
  connection->has_channel = TRUE;
  connection_tell_state(connection);
}

static void opened(struct connection *connection, gpointer data) {
  struct channel *channel = data;
  if (connection->is_failed || channel->told_open || find(connection, channel->number) != channel) return;
  channel->told_open = TRUE;
  tell_connected(connection);
  tell(channel, "open");
}

static void closed(struct connection *connection, gpointer data) {
  struct channel *channel = data;
  if (channel->told_closed || find(connection, channel->number) != channel) return;
  channel->told_closed = TRUE;
  tell(channel, "closed");
  g_hash_table_remove(connection->channels, &channel->number);
}

static void count_taken(struct connection *connection, gpointer data) {
  struct channel *channel = data;
  guint64 buffered = 0;
  g_atomic_int_set(&channel->is_counting, FALSE);
  if (find(connection, channel->number) != channel) return;
  g_object_get(channel->native, "buffered-amount", &buffered, NULL);
  guint64 now = channel->sent > buffered ? channel->sent - buffered : 0;
  if (now <= channel->taken) return;
  GString *line = line_new("taken", connection->number);
  line_number(line, "channel", channel->number);
  line_number(line, "bytes", now - channel->taken);
  channel->taken = now;
  camera_send(line);
}

static void close_native(struct connection *connection, gpointer data) {
  (void)connection;
  struct channel *channel = data;
  if (channel->native != NULL) gst_webrtc_data_channel_close(channel->native);
}

static void announce(struct connection *connection, gpointer data) {
  struct channel *channel = data;
  /* webrtcbin goes on with a viewer of another certificate until the camera closes the connection. */
  if (connection->is_failed) return;
  if (g_hash_table_size(connection->channels) >= MAX_CHANNELS) {
    close_native(connection, channel);
    return;
  }
  g_hash_table_insert(connection->channels, &channel->number, g_atomic_rc_box_acquire(channel));
  tell_connected(connection);
  GString *line = line_new("channel", connection->number);
  line_number(line, "channel", channel->number);
  line_text(line, "label", channel->label);
  line_text(line, "protocol", channel->protocol);
  camera_send(line);
}

struct message { struct channel *channel; GString *line; gsize size; };

static void free_message(gpointer data) {
  struct message *message = data;
  g_atomic_int_add(&message->channel->connection->queued_bytes, -(gint)message->size);
  if (message->line != NULL) g_string_free(message->line, TRUE);
  channel_unref(message->channel);
  g_free(message);
}

static void tell_message(struct connection *connection, gpointer data) {
  struct message *message = data;
  if (find(connection, message->channel->number) == message->channel) camera_send(g_steal_pointer(&message->line));
}

static void too_fast(struct connection *connection, gpointer unused) {
  (void)unused;
  connection_give_up(connection, "the viewer sends faster than the camera takes");
}

static void too_many(struct connection *connection, gpointer unused) {
  (void)unused;
  connection_give_up(connection, "the viewer opens too many channels");
}

/* On threads of GStreamer */

static void on_open(GstWebRTCDataChannel *native, gpointer channel) {
  (void)native;
  post_channel(channel, opened);
}

static void on_close(GstWebRTCDataChannel *native, gpointer channel) {
  (void)native;
  post_channel(channel, closed);
}

static void on_buffered(GObject *native, GParamSpec *spec, gpointer data) {
  (void)native, (void)spec;
  struct channel *channel = data;
  if (g_atomic_int_compare_and_exchange(&channel->is_counting, FALSE, TRUE)) post_channel(channel, count_taken);
}

/* @param text - NULL for bytes */
static void on_message(struct channel *channel, const char *text, gconstpointer bytes, gsize length) {
  struct connection *connection = channel->connection;
  if (!g_atomic_int_get(&connection->trusted)) return;
  GString *line = NULL;
  if (length <= MAX_MESSAGE_BYTES) {
    line = line_new("message", connection->number);
    line_number(line, "channel", channel->number);
    if (text != NULL) line_text(line, "text", text);
    else line_bytes(line, "bytes", bytes, length);
  }
  /* Control characters grow sixfold. */
  if (line == NULL || line->len + 2 > MAX_LINE_BYTES) {
    if (line != NULL) g_string_free(line, TRUE);
    post_channel(channel, close_native);
    return;
  }
  gsize size = line->len;
  if (g_atomic_int_add(&connection->queued_bytes, size) + size > MAX_QUEUED_BYTES) post(connection, too_fast, NULL, NULL);
  struct message *message = g_new(struct message, 1);
  *message = (struct message){ g_atomic_rc_box_acquire(channel), line, size };
  post(connection, tell_message, message, free_message);
}

static void on_text(GstWebRTCDataChannel *native, const char *text, gpointer channel) {
  (void)native;
  on_message(channel, text ? text : "", NULL, text ? strlen(text) : 0);
}

static void on_bytes(GstWebRTCDataChannel *native, GBytes *bytes, gpointer channel) {
  (void)native;
  gsize length = 0;
  gconstpointer data = bytes ? g_bytes_get_data(bytes, &length) : NULL;
  on_message(channel, NULL, data ? data : "", length);
}

static void listen_to(struct channel *channel) {
  static const struct { const char *name; GCallback callback; } signals[] = {
    { "on-open", G_CALLBACK(on_open) }, { "on-close", G_CALLBACK(on_close) }, { "on-message-string", G_CALLBACK(on_text) },
    { "on-message-data", G_CALLBACK(on_bytes) }, { "notify::buffered-amount", G_CALLBACK(on_buffered) },
  };
  for (guint i = 0; i < G_N_ELEMENTS(signals); i++) {
    if (i == 0 && channel->number % 2 == 0) continue; /* announced as open */
    g_signal_connect_data(channel->native, signals[i].name, signals[i].callback, g_atomic_rc_box_acquire(channel), closure_unref, 0);
  }
}

static struct channel *channel_new(struct connection *connection, gint64 number) {
  struct channel *channel = g_atomic_rc_box_new0(struct channel);
  channel->number = number;
  channel->connection = connection_ref(connection);
  return channel;
}

/* Messages may follow at once, on this thread. */
static void on_channel(GstElement *webrtc, GstWebRTCDataChannel *native, gpointer data) {
  (void)webrtc;
  struct connection *connection = data;
  connection->last_channel += 2;
  struct channel *channel = channel_new(connection, connection->last_channel);
  channel->native = g_object_ref(native);
  channel->told_open = TRUE;
  char *label = NULL, *protocol = NULL;
  g_object_get(native, "label", &label, "protocol", &protocol, NULL);
  channel->label = g_strndup(label ? label : "", MAX_NAME_BYTES);
  channel->protocol = g_strndup(protocol ? protocol : "", MAX_NAME_BYTES);
  g_free(label);
  g_free(protocol);
  post_channel(channel, announce);
  listen_to(channel);
  channel_unref(channel);
}

/* Each takes threads and memory before it is open. */
static void on_prepare(GstElement *webrtc, GstWebRTCDataChannel *native, gboolean is_local, gpointer data) {
  (void)webrtc, (void)native;
  struct connection *connection = data;
  if (!is_local && g_atomic_int_add(&connection->channels_ever, 1) >= MAX_CHANNELS_EVER) post(connection, too_many, NULL, NULL);
}

static void connection_closure_unref(gpointer connection, GClosure *closure) {
  (void)closure;
  connection_unref(connection);
}

gboolean sctp_says_end(const guint8 *packet, gsize length) {
  enum { HEADER = 12, ABORT = 6, SHUTDOWN = 7, SHUTDOWN_COMPLETE = 14 };
  for (gsize at = HEADER, size; at + 4 <= length; at += (size + 3) & ~(gsize)3) {
    if (packet[at] == ABORT || packet[at] == SHUTDOWN || packet[at] == SHUTDOWN_COMPLETE) return TRUE;
    size = (gsize)packet[at + 2] << 8 | packet[at + 3];
    if (size < 4) break;
  }
  return FALSE;
}

void channels_watch(struct connection *connection) {
  g_signal_connect_data(connection->webrtc, "on-data-channel", G_CALLBACK(on_channel), connection_ref(connection), connection_closure_unref, 0);
  g_signal_connect_data(connection->webrtc, "prepare-data-channel", G_CALLBACK(on_prepare), connection_ref(connection), connection_closure_unref, 0);
}

/* Without any channel webrtcbin leaves their section out of its next offer, and all sections after it move: so one is always there,
   of a number that nobody comes to, and without a word to the viewer. */
void channels_hold_section(struct connection *connection) {
  GstStructure *how = gst_structure_new("how", "negotiated", G_TYPE_BOOLEAN, TRUE, "id", G_TYPE_INT, 1000, NULL);
  GstWebRTCDataChannel *holder = NULL;
  g_signal_emit_by_name(connection->webrtc, "create-data-channel", "", how, &holder);
  gst_structure_free(how);
  g_clear_object(&holder);
}

static void make_native(struct channel *channel) {
  GstStructure *how = gst_structure_new("how", "ordered", G_TYPE_BOOLEAN, channel->ordered, "protocol", G_TYPE_STRING, channel->protocol, NULL);
  g_signal_emit_by_name(channel->connection->webrtc, "create-data-channel", channel->label, how, &channel->native);
  gst_structure_free(how);
  if (channel->native == NULL) return;
  listen_to(channel);
  /* On a connection that is up webrtcbin may have said so before anybody listened. */
  GstWebRTCDataChannelState state;
  g_object_get(channel->native, "ready-state", &state, NULL);
  if (state == GST_WEBRTC_DATA_CHANNEL_STATE_OPEN) post_channel(channel, opened);
}

void channels_make_anew(struct connection *connection) {
  GHashTableIter all;
  gpointer channel;
  g_hash_table_iter_init(&all, connection->channels);
  while (g_hash_table_iter_next(&all, NULL, &channel)) {
    g_clear_object(&((struct channel *)channel)->native);
    make_native(channel);
  }
}

gboolean channels_wait(struct connection *connection) {
  return g_hash_table_size(connection->channels) > 0;
}

static void create(struct connection *connection, gint64 number, JsonObject *line) {
  const char *label = member_text(line, "label"), *protocol = member_text(line, "protocol");
  struct channel *channel = channel_new(connection, number);
  channel->label = g_strndup(label ? label : "", MAX_NAME_BYTES);
  channel->protocol = g_strndup(protocol ? protocol : "", MAX_NAME_BYTES);
  channel->ordered = json_object_get_boolean_member_with_default(line, "ordered", TRUE);
  g_hash_table_insert(connection->channels, &channel->number, channel);
  if (g_hash_table_size(connection->channels) <= MAX_CHANNELS) make_native(channel);
  if (channel->native == NULL) closed(connection, channel);
  else connection_needs_offer(connection);
}

static void transmit(struct channel *channel, JsonObject *line) {
  const char *text = member_text(line, "text"), *bytes = member_text(line, "bytes");
  gsize length = text ? strlen(text) : 0;
  gboolean sent = FALSE;
  if (text != NULL) sent = gst_webrtc_data_channel_send_string_full(channel->native, length > 0 ? text : NULL, NULL);
  else if (bytes != NULL) {
    char *standard = g_strconcat(bytes, &"==="[(strlen(bytes) + 3) % 4], NULL);
    g_strdelimit(standard, "-", '+');
    g_strdelimit(standard, "_", '/');
    guchar *decoded = g_base64_decode(standard, &length);
    GBytes *message = length > 0 ? g_bytes_new_take(decoded, length) : NULL;
    if (message == NULL) g_free(decoded);
    sent = gst_webrtc_data_channel_send_data_full(channel->native, message, NULL);
    g_clear_pointer(&message, g_bytes_unref);
    g_free(standard);
  }
  /* Too long for the viewer, or more than it takes. */
  if (sent) channel->sent += length;
  if (!sent || channel->sent - channel->taken > MAX_QUEUED_BYTES) gst_webrtc_data_channel_close(channel->native);
}

void channels_take(struct connection *connection, gint64 number, const char *what, JsonObject *line) {
  struct channel *channel = find(connection, number);
  if (channel == NULL) {
    if (strcmp(what, "createDataChannel") == 0 && number % 2 == 1) create(connection, number, line);
  } else if (strcmp(what, "send") == 0) {
    if (channel->told_open) transmit(channel, line);
  } else if (strcmp(what, "closeChannel") == 0) {
    close_native(connection, channel);
    /* webrtcbin says nothing of one that was never open. */
    if (!channel->told_open) closed(connection, channel);
  }
}
