/* Connections: their webrtcbin, their states, the certificate of the viewer, and the lines about them. */
#include <stdio.h>
#include <string.h>
#include "engine.h"

static GHashTable *connections;

struct posted {
  struct connection *connection;
  void (*run)(struct connection *, gpointer);
  gpointer data;
  GDestroyNotify clear;
};

static void connection_clear(gpointer box) {
  struct connection *connection = box;
  g_mutex_clear(&connection->lock);
}

struct connection *connection_ref(struct connection *connection) {
  return g_atomic_rc_box_acquire(connection);
}

void connection_unref(gpointer connection) {
  g_atomic_rc_box_release_full(connection, connection_clear);
}

static void closure_unref(gpointer connection, GClosure *closure) {
  (void)closure;
  connection_unref(connection);
}

static gboolean run_posted(gpointer data) {
  struct posted *posted = data;
  if (!posted->connection->closed) posted->run(posted->connection, posted->data);
  return G_SOURCE_REMOVE;
}

static void free_posted(gpointer data) {
  struct posted *posted = data;
  if (posted->clear && posted->data) posted->clear(posted->data);
  connection_unref(posted->connection);
  g_free(posted);
}

static struct posted *posted_new(struct connection *connection, void (*run)(struct connection *, gpointer), gpointer data, GDestroyNotify clear) {
  struct posted *posted = g_new(struct posted, 1);
  *posted = (struct posted){ connection_ref(connection), run, data, clear };
  return posted;
}

void post(struct connection *connection, void (*run)(struct connection *, gpointer), gpointer data, GDestroyNotify clear) {
  g_idle_add_full(G_PRIORITY_DEFAULT, run_posted, posted_new(connection, run, data, clear), free_posted);
}

/* What is told of a description. */
static char *description_json(const struct description *description) {
  if (description->sdp == NULL) return g_strdup("null");
  GString *json = g_string_new("{");
  line_text(json, "type", description->type);
  line_text(json, "sdp", description->sdp);
  g_string_append_c(json, '}');
  return g_string_free(json, FALSE);
}

static char *state_json(struct connection *connection, const char *property) {
  if (connection->is_over) return g_strdup("\"closed\"");
  if (connection->is_failed) return g_strdup("\"failed\"");
  int value = 0;
  GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(connection->webrtc), property);
  g_object_get(connection->webrtc, property, &value, NULL);
  GEnumClass *names = g_type_class_ref(spec->value_type);
  GEnumValue *found = g_enum_get_value(names, value);
  char *json = g_strdup_printf("\"%s\"", found ? found->value_nick : "new");
  g_type_class_unref(names);
  return json;
}

/* What has changed since the last time. */
static void tell_state(struct connection *connection, gpointer unused) {
  (void)unused;
  static const char *const names[] = { "signalingState", "connectionState", "iceConnectionState", "localDescription", "remoteDescription" };
  /* Of the two offers at a time, the pending one is what W3C shows. */
  const struct description *local = connection->offer.sdp ? &connection->offer : &connection->local;
  char *now[] = {
    g_strdup_printf("\"%s\"", connection->signaling), state_json(connection, "connection-state"), state_json(connection, "ice-connection-state"),
    description_json(local), description_json(&connection->remote),
  };
  /* A channel that is open has a connection under it; webrtcbin may count that later. */
  if (connection->has_channel && (strcmp(now[1], "\"connecting\"") == 0 || strcmp(now[1], "\"new\"") == 0)) {
    g_free(now[1]);
    now[1] = g_strdup("\"connected\"");
  }
  gboolean connected = strcmp(now[1], "\"connected\"") == 0 && g_atomic_int_get(&connection->trusted);
  /* The viewer's certificate is looked at while DTLS is on its way; before that nobody is connected. */
  if (!connected && strcmp(now[1], "\"connected\"") == 0) {
    g_free(now[1]);
    now[1] = g_strdup("\"connecting\"");
  }
  g_atomic_int_set(&connection->ready, connected);
  GString *line = line_new("state", connection->number);
  gsize before = line->len;
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    if (g_strcmp0(now[i], connection->told[i]) == 0) {
      g_free(now[i]);
      continue;
    }
    line_member(line, names[i]);
    g_string_append(line, now[i]);
    g_free(connection->told[i]);
    connection->told[i] = now[i];
  }
  if (line->len > before) camera_send(line);
  else g_string_free(line, TRUE);
  tracks_update(connection);
}

void connection_tell_state(struct connection *connection) {
  tell_state(connection, NULL);
}

gboolean connection_is_lost(struct connection *connection) {
  char *state = state_json(connection, "connection-state");
  gboolean lost = strcmp(state, "\"disconnected\"") == 0 || strcmp(state, "\"failed\"") == 0 || strcmp(state, "\"closed\"") == 0;
  g_free(state);
  return lost;
}

void connection_give_up(struct connection *connection, const char *why) {
  if (connection->is_failed) return;
  g_printerr("connection %" G_GINT64_FORMAT " has failed: %s\n", connection->number, why);
  connection->is_failed = TRUE;
  g_atomic_int_set(&connection->trusted, FALSE);
  tell_state(connection, NULL);
}

gboolean connection_has_data_section(const struct connection *connection) {
  const struct sections *sections = &connection->agreed.sections;
  for (guint i = 0; i < sections->count; i++) if (sections->kinds[i] == 'd') return TRUE;
  return FALSE;
}

/* Once for each time that it is stable. */
void connection_needs_offer(struct connection *connection) {
  if (connection->told_need || strcmp(connection->signaling, "stable") != 0) return;
  if (!tracks_wait(connection) && !(channels_wait(connection) && !connection_has_data_section(connection))) return;
  connection->told_need = TRUE;
  camera_send(line_new("negotiationneeded", connection->number));
}

/* On threads of GStreamer */

static void on_state(GObject *object, GParamSpec *spec, gpointer connection) {
  (void)object, (void)spec;
  post(connection, tell_state, NULL, NULL);
}

struct candidate { guint section; char *text; };

static void free_candidate(gpointer data) {
  struct candidate *candidate = data;
  g_free(candidate->text);
  g_free(candidate);
}

static void tell_candidate(struct connection *connection, gpointer data) {
  struct candidate *candidate = data;
  GString *line = line_new("candidate", connection->number);
  line_member(line, "candidate");
  if (candidate == NULL) g_string_append(line, "null");
  else {
    struct sections sections = connection->agreed.sections;
    if (sections.count == 0) sections = connection->offered;
    g_string_append_c(line, '{');
    GString *inner = g_string_new("{");
    line_text(inner, "candidate", candidate->text);
    if (candidate->section < sections.count) line_text(inner, "sdpMid", sections.mids[candidate->section]);
    line_number(inner, "sdpMLineIndex", candidate->section);
    g_string_append(line, inner->str + 1);
    g_string_free(inner, TRUE);
    g_string_append_c(line, '}');
  }
  camera_send(line);
}

static void on_candidate(GstElement *webrtc, guint section, const char *text, gpointer connection) {
  (void)webrtc;
  struct candidate *candidate = g_new(struct candidate, 1);
  *candidate = (struct candidate){ section, g_strdup(text) };
  post(connection, tell_candidate, candidate, free_candidate);
}

static void on_gathering(GObject *webrtc, GParamSpec *spec, gpointer connection) {
  (void)spec;
  GstWebRTCICEGatheringState state;
  g_object_get(webrtc, "ice-gathering-state", &state, NULL);
  if (state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE) post(connection, tell_candidate, NULL, NULL);
}

static void give_up_stranger(struct connection *connection, gpointer unused) {
  (void)unused;
  connection_give_up(connection, "the viewer's certificate is not that of its description");
}

/* webrtcbin compares nothing (RFC 8827 section 6.5). This runs within the handshake, before a byte of the viewer is read. */
static void on_certificate(GObject *dtls, GParamSpec *spec, gpointer data) {
  (void)spec;
  struct connection *connection = data;
  char *pem = NULL;
  g_object_get(dtls, "peer-pem", &pem, NULL);
  if (pem == NULL) return;
  g_mutex_lock(&connection->lock);
  gboolean matches = connection->has_fingerprint && fingerprint_matches(&connection->fingerprint, pem);
  g_mutex_unlock(&connection->lock);
  g_free(pem);
  g_atomic_int_set(&connection->trusted, matches);
  if (matches) post(connection, tell_state, NULL, NULL);
  else post(connection, give_up_stranger, NULL, NULL);
}

static void end_connection(struct connection *connection, gpointer unused) {
  (void)unused;
  connection->is_over = TRUE;
  tell_state(connection, NULL);
}

/* The viewer says that it leaves. webrtcbin counts neither that nor an end of SCTP in good order, and an abort as a fault. */
static void leaves(struct connection *connection) {
  if (!g_atomic_int_get(&connection->trusted) || !g_atomic_int_compare_and_exchange(&connection->leaving, FALSE, TRUE)) return;
  g_timeout_add_full(G_PRIORITY_DEFAULT, LEAVING_MS, run_posted, posted_new(connection, end_connection, NULL, NULL), free_posted);
}

static void on_dtls_state(GObject *dtls, GParamSpec *spec, gpointer connection) {
  int state = 0;
  (void)spec;
  g_object_get(dtls, "connection-state", &state, NULL);
  /* GstDtlsConnectionState, which has no public header: 1 is closed, 2 failed */
  if (state == 1) leaves(connection);
}

/* A packet of the viewer, decrypted. */
static GstPadProbeReturn on_sctp(GstPad *pad, GstPadProbeInfo *info, gpointer connection) {
  (void)pad;
  GstMapInfo map;
  if (!gst_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), &map, GST_MAP_READ)) return GST_PAD_PROBE_OK;
  if (sctp_says_end(map.data, map.size)) leaves(connection);
  gst_buffer_unmap(GST_PAD_PROBE_INFO_BUFFER(info), &map);
  return GST_PAD_PROBE_OK;
}

static void on_element(GstBin *bin, GstBin *inner, GstElement *element, gpointer connection) {
  (void)bin, (void)inner;
  GstElementFactory *factory = gst_element_get_factory(element);
  if (factory == NULL) return;
  if (strcmp(GST_OBJECT_NAME(factory), "sctpdec") == 0) {
    GstPad *pad = gst_element_get_static_pad(element, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_sctp, connection_ref(connection), connection_unref);
    gst_object_unref(pad);
  } else if (strcmp(GST_OBJECT_NAME(factory), "dtlsdec") == 0) {
    g_signal_connect_data(element, "notify::peer-pem", G_CALLBACK(on_certificate), connection_ref(connection), closure_unref, 0);
    g_signal_connect_data(element, "notify::connection-state", G_CALLBACK(on_dtls_state), connection_ref(connection), closure_unref, 0);
  }
}

static gboolean on_bus(GstBus *bus, GstMessage *message, gpointer data) {
  (void)bus;
  struct connection *connection = data;
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR || connection->closed) return G_SOURCE_CONTINUE;
  GError *error = NULL;
  gst_message_parse_error(message, &error, NULL);
  if (!connection->is_over && !g_atomic_int_get(&connection->leaving)) connection_give_up(connection, error->message);
  g_error_free(error);
  return G_SOURCE_CONTINUE;
}

/* webrtcbin */

/* @returns `stun://…` or `turn://…` as webrtcbin takes it; NULL when it cannot be used */
static char *server_uri(const char *url, const char *username, const char *credential) {
  gboolean stun = g_str_has_prefix(url, "stun:"), turns = g_str_has_prefix(url, "turns:");
  if (strlen(url) > 512 || strpbrk(url, " @/%#\\\r\n") != NULL || !(stun || turns || g_str_has_prefix(url, "turn:"))) return NULL;
  const char *place = strchr(url, ':') + 1;
  if (options.address != NULL && address_is_loopback(options.address)) {
    char *host = g_strndup(place, strcspn(place, ":?"));
    gboolean near = address_is_loopback(host);
    g_free(host);
    if (!near) return NULL;
  }
  const char *bracket = *place == '[' ? strchr(place, ']') : NULL;
  if (*place == '[' && bracket == NULL) return NULL;
  gsize host_length = bracket ? (gsize)(bracket + 1 - place) : strcspn(place, ":?");
  const char *port = strcspn(place, "?") == host_length ? turns ? ":5349" : ":3478" : "";
  char *host = g_strndup(place, host_length), *uri = NULL;
  if (stun) uri = g_strdup_printf("stun://%s%s%s", host, port, place + host_length);
  else if (username != NULL && credential != NULL) {
    char *user = g_uri_escape_string(username, NULL, FALSE), *secret = g_uri_escape_string(credential, NULL, FALSE);
    uri = g_strdup_printf("%s://%s:%s@%s%s%s", turns ? "turns" : "turn", user, secret, host, port, place + host_length);
    g_free(user);
    g_free(secret);
  }
  g_free(host);
  return uri;
}

static void add_servers(GstElement *webrtc, JsonArray *servers) {
  guint added = 0;
  for (guint i = 0; servers != NULL && i < json_array_get_length(servers); i++) {
    JsonNode *node = json_array_get_element(servers, i);
    if (!JSON_NODE_HOLDS_OBJECT(node)) continue;
    JsonObject *server = json_node_get_object(node);
    JsonNode *list = json_object_get_member(server, "urls");
    if (list == NULL || !JSON_NODE_HOLDS_ARRAY(list)) continue;
    JsonArray *urls = json_node_get_array(list);
    for (guint j = 0; j < json_array_get_length(urls) && added < 16; j++) {
      JsonNode *url = json_array_get_element(urls, j);
      const char *text = JSON_NODE_HOLDS_VALUE(url) ? json_node_get_string(url) : NULL;
      if (text != NULL && !g_utf8_validate(text, -1, NULL)) continue;
      char *uri = text ? server_uri(text, member_text(server, "username"), member_text(server, "credential")) : NULL;
      if (uri == NULL) continue;
      gboolean taken;
      added++;
      if (g_str_has_prefix(uri, "stun")) g_object_set(webrtc, "stun-server", uri, NULL);
      else g_signal_emit_by_name(webrtc, "add-turn-server", uri, &taken);
      g_free(uri);
    }
  }
}

static void set_up_ice(GstElement *webrtc) {
  GObject *ice = NULL, *agent = NULL;
  g_object_get(webrtc, "ice-agent", &ice, NULL);
  g_object_set(ice, "ice-tcp", FALSE, NULL);
  g_object_get(ice, "agent", &agent, NULL);
  /* The board asks no router for ports. */
  if (agent != NULL && g_object_class_find_property(G_OBJECT_GET_CLASS(agent), "upnp") != NULL) g_object_set(agent, "upnp", FALSE, NULL);
  /* A viewer that is gone without a word is noticed within 50 s. RFC 7675 asks for 30; libnice's way to that, consent-freshness,
     is set when its agent is made, which webrtcbin does. */
  if (agent != NULL) g_object_set(agent, "keepalive-conncheck", TRUE, NULL);
  gboolean added = TRUE;
  if (options.address != NULL) g_signal_emit_by_name(ice, "add-local-ip-address", options.address, &added);
  if (!added) g_printerr("the address %s cannot be used\n", options.address);
  guint first, last;
  if (options.ports != NULL && sscanf(options.ports, "%u-%u", &first, &last) == 2) g_object_set(ice, "min-rtp-port", first, "max-rtp-port", last, NULL);
  g_clear_object(&agent);
  g_object_unref(ice);
}

static void webrtc_start(struct connection *connection, JsonArray *servers) {
  connection->pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
  connection->webrtc = gst_element_factory_make("webrtcbin", NULL);
  GstElement *webrtc = connection->webrtc;
  g_object_set(webrtc, "bundle-policy", GST_WEBRTC_BUNDLE_POLICY_MAX_BUNDLE, NULL);
  g_signal_connect_data(connection->pipeline, "deep-element-added", G_CALLBACK(on_element), connection_ref(connection), closure_unref, 0);
  gst_bin_add(GST_BIN(connection->pipeline), webrtc);
  set_up_ice(webrtc);
  add_servers(webrtc, servers);
  static const char *const states[] = { "notify::connection-state", "notify::ice-connection-state" };
  for (guint i = 0; i < G_N_ELEMENTS(states); i++) g_signal_connect_data(webrtc, states[i], G_CALLBACK(on_state), connection_ref(connection), closure_unref, 0);
  g_signal_connect_data(webrtc, "on-ice-candidate", G_CALLBACK(on_candidate), connection_ref(connection), closure_unref, 0);
  g_signal_connect_data(webrtc, "notify::ice-gathering-state", G_CALLBACK(on_gathering), connection_ref(connection), closure_unref, 0);
  channels_watch(connection);
  GstBus *bus = gst_pipeline_get_bus(GST_PIPELINE(connection->pipeline));
  gst_bus_add_watch_full(bus, G_PRIORITY_DEFAULT, on_bus, connection_ref(connection), connection_unref);
  gst_object_unref(bus);
  /* The packets carry times of the source. */
  GstClock *clock = gst_system_clock_obtain();
  gst_pipeline_use_clock(GST_PIPELINE(connection->pipeline), clock);
  gst_object_unref(clock);
  gst_element_set_start_time(connection->pipeline, GST_CLOCK_TIME_NONE);
  gst_element_set_base_time(connection->pipeline, source_base_time());
  gst_element_set_state(connection->pipeline, GST_STATE_PLAYING);
  channels_hold_section(connection);
}

static void webrtc_end(struct connection *connection) {
  tracks_forget_places(connection);
  GstBus *bus = gst_pipeline_get_bus(GST_PIPELINE(connection->pipeline));
  gst_bus_remove_watch(bus);
  gst_object_unref(bus);
  gst_element_set_state(connection->pipeline, GST_STATE_NULL);
  g_clear_pointer(&connection->pipeline, gst_object_unref);
  connection->webrtc = NULL;
  g_clear_pointer(&connection->held_offer, gst_webrtc_session_description_free);
}

void connection_renew(struct connection *connection) {
  webrtc_end(connection);
  webrtc_start(connection, connection->servers);
  channels_make_anew(connection);
}

static void connection_close(gpointer data) {
  struct connection *connection = data;
  connection->closed = TRUE;
  webrtc_end(connection);
  g_clear_pointer(&connection->channels, g_hash_table_unref);
  g_clear_pointer(&connection->tracks, g_ptr_array_unref);
  g_clear_pointer(&connection->servers, json_array_unref);
  description_clear(&connection->local);
  description_clear(&connection->remote);
  description_clear(&connection->offer);
  remote_clear(&connection->agreed);
  for (guint i = 0; i < G_N_ELEMENTS(connection->told); i++) g_clear_pointer(&connection->told[i], g_free);
  connection_unref(connection);
}

static void connection_open(gint64 number, JsonArray *servers) {
  struct connection *connection = g_atomic_rc_box_new0(struct connection);
  connection->number = number;
  connection->signaling = "stable";
  connection->channels = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, channel_unref);
  connection->tracks = g_ptr_array_new_with_free_func(track_free);
  if (servers != NULL) connection->servers = json_array_ref(servers);
  g_mutex_init(&connection->lock);
  webrtc_start(connection, servers);
  g_hash_table_insert(connections, &connection->number, connection);
  tell_state(connection, NULL);
}

/* Lines of the camera */

static void carry_out(struct connection *connection, gint64 request, const char *what, JsonObject *line) {
  struct failure failure = { "ERR_WEBRTC_STATE", "" };
  gboolean done;
  if (connection->is_over || connection->is_failed) done = fail(&failure, "ERR_WEBRTC_STATE", "the connection has ended");
  else if (strcmp(what, "setLocalDescription") == 0) done = set_local(connection, line, &failure);
  else if (strcmp(what, "setRemoteDescription") == 0) done = set_remote(connection, line, &failure);
  else if (strcmp(what, "addIceCandidate") == 0) done = take_candidate(connection, line, &failure);
  else return;
  GString *answer = line_new(done ? "done" : "failed", connection->number);
  line_number(answer, "request", request);
  if (!done) {
    line_text(answer, "code", failure.code);
    line_text(answer, "message", failure.text);
  }
  camera_send(answer);
}

static void take(struct connection *connection, const char *what, JsonObject *line) {
  gint64 number;
  if (strcmp(what, "close") == 0) {
    g_hash_table_remove(connections, &connection->number);
  } else if (strcmp(what, "startVideo") == 0) {
    const char *name = member_text(line, "track");
    if (name != NULL && *name != 0 && strlen(name) < MAX_NAME_BYTES && strpbrk(name, " \r\n") == NULL) track_start(connection, name);
  } else if (strcmp(what, "stopVideo") == 0) track_stop(connection, member_text(line, "track"));
  else if (member_number(line, "request", &number)) carry_out(connection, number, what, line);
  else if (member_number(line, "channel", &number)) channels_take(connection, number, what, line);
  /* refuseMedia: nothing of a viewer is ever taken */
}

void connections_take(JsonObject *line) {
  const char *what = member_text(line, "do");
  gint64 number;
  if (what == NULL || !member_number(line, "connection", &number)) return;
  struct connection *connection = g_hash_table_lookup(connections, &number);
  if (connection != NULL) take(connection, what, line);
  else if (strcmp(what, "create") == 0 && g_hash_table_size(connections) < MAX_CONNECTIONS) {
    JsonNode *servers = json_object_get_member(line, "iceServers");
    connection_open(number, servers != NULL && JSON_NODE_HOLDS_ARRAY(servers) ? json_node_get_array(servers) : NULL);
  } else if (strcmp(what, "create") == 0) {
    GString *full = line_new("state", number);
    line_text(full, "connectionState", "failed");
    camera_send(full);
  }
}

void connections_init(void) {
  connections = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, connection_close);
}

void connections_close_all(void) {
  g_hash_table_remove_all(connections);
}
