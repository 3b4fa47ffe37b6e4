/* Descriptions and candidates of a connection.

   webrtcbin takes nothing back, while the camera gives way when both ends offer at once. So an offer of ours is only kept here until
   its answer comes, except for the first one, with which candidates begin; to take that one back, webrtcbin is made anew. */
#include <string.h>
#include "engine.h"

void description_clear(struct description *description) {
  g_free(description->sdp);
  *description = (struct description){ NULL, NULL };
}

static void description_set(struct description *description, const char *type, char *sdp) {
  g_free(description->sdp);
  *description = (struct description){ type, sdp };
}

/* Asks webrtcbin, and waits: its own thread answers and never waits for this one. */
static gboolean ask(struct connection *connection, const char *signal, GstWebRTCSessionDescription *given, const char *wanted, GstWebRTCSessionDescription **made, struct failure *failure) {
  GstPromise *promise = gst_promise_new();
  g_signal_emit_by_name(connection->webrtc, signal, given, promise);
  gboolean replied = gst_promise_wait(promise) == GST_PROMISE_RESULT_REPLIED;
  const GstStructure *reply = replied ? gst_promise_get_reply(promise) : NULL;
  GError *error = NULL;
  if (reply != NULL && gst_structure_has_field(reply, "error")) gst_structure_get(reply, "error", G_TYPE_ERROR, &error, NULL);
  if (error == NULL && wanted != NULL && reply != NULL) gst_structure_get(reply, wanted, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, made, NULL);
  gst_promise_unref(promise);
  if (error != NULL) fail(failure, "ERR_WEBRTC_DESCRIPTION_REFUSED", "the description does not fit: %s", error->message);
  else if (!replied || (wanted != NULL && *made == NULL)) fail(failure, "ERR_WEBRTC_STATE", "the connection has ended");
  else return TRUE;
  g_clear_error(&error);
  return FALSE;
}

/* It was never said. */
static void take_back_offer(struct connection *connection) {
  if (connection->held_offer == NULL) {
    connection_renew(connection);
  }
  g_clear_pointer(&connection->held_offer, gst_webrtc_session_description_free);
  description_clear(&connection->offer);
  connection->signaling = "stable";
  connection->told_need = FALSE;
}

static void became_stable(struct connection *connection) {
  connection->signaling = "stable";
  connection->told_need = FALSE;
  connection_tell_state(connection);
  connection_needs_offer(connection);
}

static gboolean make_offer(struct connection *connection, struct failure *failure) {
  GstWebRTCSessionDescription *made = NULL;
  tracks_join_offer(connection);
  if (!ask(connection, "create-offer", NULL, "offer", &made, failure)) return FALSE;
  tracks_settle(connection, made->sdp);
  sections_of(made->sdp, &connection->offered);
  char *text = gst_sdp_message_as_text(made->sdp);
  if (connection->agreed.sdp == NULL && !ask(connection, "set-local-description", made, NULL, NULL, failure)) {
    gst_webrtc_session_description_free(made);
    g_free(text);
    return FALSE;
  }
  if (connection->agreed.sdp == NULL) gst_webrtc_session_description_free(made);
  else connection->held_offer = made;
  description_set(&connection->offer, "offer", text);
  connection->signaling = "have-local-offer";
  connection_tell_state(connection);
  return TRUE;
}

/* What a viewer wants to send has no place to go here: nothing but our own tracks flows. */
static void answer_only_with_ours(struct connection *connection, GstSDPMessage *answer) {
  GArray *transceivers = NULL;
  g_signal_emit_by_name(connection->webrtc, "get-transceivers", &transceivers);
  for (guint i = 0; i < transceivers->len; i++) {
    GstWebRTCRTPTransceiver *transceiver = g_array_index(transceivers, GstWebRTCRTPTransceiver *, i);
    if (!track_owns(connection, transceiver)) g_object_set(transceiver, "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_INACTIVE, NULL);
  }
  g_array_unref(transceivers);
  for (guint i = 0; i < gst_sdp_message_medias_len(answer); i++) {
    GstSDPMedia *media = (GstSDPMedia *)gst_sdp_message_get_media(answer, i);
    GstWebRTCRTPTransceiverDirection direction = section_direction(media);
    if (strcmp(gst_sdp_media_get_media(media), "application") == 0) continue;
    if (direction != GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY) section_set_direction(media, "inactive");
  }
}

static gboolean make_answer(struct connection *connection, struct failure *failure) {
  GstWebRTCSessionDescription *made = NULL;
  tracks_join_answer(connection, connection->agreed.sdp);
  if (!ask(connection, "create-answer", NULL, "answer", &made, failure)) return FALSE;
  answer_only_with_ours(connection, made->sdp);
  sections_of(made->sdp, &connection->offered);
  tracks_settle(connection, made->sdp);
  gboolean done = ask(connection, "set-local-description", made, NULL, NULL, failure);
  if (done) description_set(&connection->local, "answer", gst_sdp_message_as_text(made->sdp));
  gst_webrtc_session_description_free(made);
  if (done) became_stable(connection);
  return done;
}

gboolean set_local(struct connection *connection, JsonObject *line, struct failure *failure) {
  const char *type = member_text(line, "type"), *state = connection->signaling;
  if (type == NULL) type = strcmp(state, "have-remote-offer") == 0 ? "answer" : "offer";
  if (strcmp(type, "offer") == 0 && strcmp(state, "stable") == 0) return make_offer(connection, failure);
  if (strcmp(type, "answer") == 0 && strcmp(state, "have-remote-offer") == 0) return make_answer(connection, failure);
  if (strcmp(type, "rollback") == 0 && strcmp(state, "have-local-offer") == 0) {
    take_back_offer(connection);
    became_stable(connection);
    return TRUE;
  }
  return fail(failure, "ERR_WEBRTC_STATE", "a local description of this type does not fit the signaling state %s", state);
}

/* Against what was agreed before. */
static gboolean fits_before(struct connection *connection, struct remote *remote, gboolean is_answer, struct failure *failure) {
  static const char refused[] = "ERR_WEBRTC_DESCRIPTION_REFUSED";
  const struct remote *before = &connection->agreed;
  const struct sections *now = &remote->sections, *ours = &connection->offered;
  if (now->count < before->sections.count || (is_answer && now->count != ours->count)) return fail(failure, refused, "the remote description has %u sections, which are too few or too many", now->count);
  for (guint i = 0; i < now->count; i++) {
    const struct sections *known = is_answer ? ours : i < before->sections.count ? &before->sections : NULL;
    if (known != NULL && (strcmp(known->mids[i], now->mids[i]) != 0 || known->kinds[i] != now->kinds[i])) return fail(failure, refused, "a section of the remote description has changed its place");
    /* Names of an offer that was taken back are remembered by webrtcbin, each with its place. */
    for (guint j = 0; known == NULL && j < ours->count; j++) {
      if (i != j && strcmp(now->mids[i], ours->mids[j]) == 0) return fail(failure, refused, "a section of the remote description takes a mid of ours");
    }
  }
  if (before->sdp == NULL) return TRUE;
  if (before->fingerprint.type != remote->fingerprint.type || strcmp(before->fingerprint.digest, remote->fingerprint.digest) != 0) return fail(failure, refused, "the remote description changes its certificate");
  if (strcmp(before->ufrag, remote->ufrag) == 0) return TRUE;
  if (connection_is_lost(connection)) return fail(failure, "ERR_WEBRTC_ICE_RESTART_UNSUPPORTED", "the engine cannot look for a new path");
  remote_keep_path(remote, before);
  return TRUE;
}

static void add_candidate(struct connection *connection, const char *text) {
  if (connection->candidates >= MAX_CANDIDATES) return;
  connection->candidates++;
  g_signal_emit_by_name(connection->webrtc, "add-ice-candidate", connection->agreed.bundle, text);
}

static gboolean give_remote(struct connection *connection, const struct remote *remote, gboolean is_answer, struct failure *failure) {
  GstSDPMessage *copy = NULL;
  if (is_answer && connection->held_offer != NULL) {
    if (!ask(connection, "set-local-description", connection->held_offer, NULL, NULL, failure)) return FALSE;
    g_clear_pointer(&connection->held_offer, gst_webrtc_session_description_free);
  }
  gst_sdp_message_copy(remote->sdp, &copy);
  GstWebRTCSessionDescription *given = gst_webrtc_session_description_new(is_answer ? GST_WEBRTC_SDP_TYPE_ANSWER : GST_WEBRTC_SDP_TYPE_OFFER, copy);
  gboolean done = ask(connection, "set-remote-description", given, NULL, NULL, failure);
  gst_webrtc_session_description_free(given);
  return done;
}

gboolean set_remote(struct connection *connection, JsonObject *line, struct failure *failure) {
  const char *type = member_text(line, "type"), *sdp = member_text(line, "sdp"), *state = connection->signaling;
  gboolean is_answer = g_strcmp0(type, "answer") == 0, collides = strcmp(state, "have-local-offer") == 0;
  if (!is_answer && g_strcmp0(type, "offer") != 0) return fail(failure, "ERR_WEBRTC_STATE", "the engine takes offers and answers");
  if (is_answer ? !collides : strcmp(state, "have-remote-offer") == 0) return fail(failure, "ERR_WEBRTC_STATE", "a remote %s does not fit the signaling state %s", type, state);
  struct remote remote;
  if (!remote_read(&remote, sdp, failure) || !fits_before(connection, &remote, is_answer, failure)) {
    remote_clear(&remote);
    return FALSE;
  }
  if (!is_answer && collides) take_back_offer(connection);
  g_mutex_lock(&connection->lock);
  connection->fingerprint = remote.fingerprint;
  connection->has_fingerprint = TRUE;
  g_mutex_unlock(&connection->lock);
  if (!give_remote(connection, &remote, is_answer, failure)) {
    remote_clear(&remote);
    return FALSE;
  }
  remote_clear(&connection->agreed);
  connection->agreed = remote;
  description_set(&connection->remote, is_answer ? "answer" : "offer", g_strdup(sdp));
  for (guint i = 0; i < remote.candidates->len; i++) {
    const char *text = g_ptr_array_index(remote.candidates, i);
    if (candidate_read(text, remote.ufrag) == CANDIDATE_USED) add_candidate(connection, text);
  }
  g_ptr_array_set_size(remote.candidates, 0);
  if (is_answer) {
    description_set(&connection->local, "offer", g_steal_pointer(&connection->offer.sdp));
    became_stable(connection);
  } else {
    connection->signaling = "have-remote-offer";
    connection_tell_state(connection);
  }
  return TRUE;
}

gboolean take_candidate(struct connection *connection, JsonObject *line, struct failure *failure) {
  JsonNode *node = json_object_get_member(line, "candidate");
  const char *text = node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? member_text(json_node_get_object(node), "candidate") : NULL;
  if (text == NULL) return fail(failure, "ERR_WEBRTC_CANDIDATE_REFUSED", "a candidate is missing");
  if (connection->agreed.sdp == NULL) return fail(failure, "ERR_WEBRTC_STATE", "a candidate came before the description it belongs to");
  if (*text == 0) return TRUE; /* the end of them */
  switch (candidate_read(text, connection->agreed.ufrag)) {
    case CANDIDATE_REFUSED: return fail(failure, "ERR_WEBRTC_CANDIDATE_REFUSED", "the peer sent a candidate that is none");
    case CANDIDATE_USED: add_candidate(connection, text);
    /* fall through */
    default: return TRUE;
  }
}
