/* The picture: one source and one encoder for all viewers. It runs while somebody watches, and is off otherwise. */
#include <string.h>
#include <gst/app/gstappsink.h>
#include <gst/video/video.h>
#include "engine.h"

enum { MAX_PACKETS = 512, KEY_FRAME_MS = 400, AGAIN_MS = 2000, MTU = 1200 };

static GstElement *pipeline;
static GMutex lock; /* for outlets */
static GPtrArray *outlets;
static guint running; /* outlets, as the main loop knows them */
static gint64 last_key_frame;
static gint key_frame_due;
static guint again;
static GstClockTime base_time;

static GstFlowReturn on_packet(GstAppSink *sink, gpointer unused) {
  (void)unused;
  GstSample *sample = gst_app_sink_pull_sample(sink);
  if (sample == NULL) return GST_FLOW_EOS;
  g_mutex_lock(&lock);
  for (guint i = 0; i < outlets->len; i++) {
    struct outlet *outlet = g_ptr_array_index(outlets, i);
    outlet->push(outlet, gst_sample_get_buffer(sample));
  }
  g_mutex_unlock(&lock);
  gst_sample_unref(sample);
  return GST_FLOW_OK;
}

static gboolean ask_key_frame(gpointer unused) {
  (void)unused;
  g_atomic_int_set(&key_frame_due, FALSE);
  last_key_frame = g_get_monotonic_time();
  GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "packets");
  gst_element_send_event(sink, gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
  gst_object_unref(sink);
  return G_SOURCE_REMOVE;
}

/* From any thread; viewers that ask without end get no more than a few a second. */
void source_key_frame(void) {
  if (!g_atomic_int_compare_and_exchange(&key_frame_due, FALSE, TRUE)) return;
  gint64 since_ms = (g_get_monotonic_time() - last_key_frame) / 1000;
  g_timeout_add(CLAMP(KEY_FRAME_MS - since_ms, 0, KEY_FRAME_MS), ask_key_frame, NULL);
}

static void play(void) {
  gst_element_set_start_time(pipeline, GST_CLOCK_TIME_NONE);
  gst_element_set_base_time(pipeline, base_time);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
}

void source_add(struct outlet *outlet) {
  g_mutex_lock(&lock);
  g_ptr_array_add(outlets, outlet);
  g_mutex_unlock(&lock);
  if (running++ == 0) play();
  source_key_frame();
}

/* When it returns not one packet more goes there. */
void source_remove(struct outlet *outlet) {
  g_mutex_lock(&lock);
  g_ptr_array_remove(outlets, outlet);
  g_mutex_unlock(&lock);
  if (--running == 0) gst_element_set_state(pipeline, GST_STATE_NULL);
}

static gboolean play_again(gpointer unused) {
  (void)unused;
  again = 0;
  if (running > 0) play();
  return G_SOURCE_REMOVE;
}

/* A camera that was unplugged, a stream that has ended: tried again as long as somebody watches. */
static gboolean on_bus(GstBus *bus, GstMessage *message, gpointer unused) {
  (void)bus, (void)unused;
  GstMessageType type = GST_MESSAGE_TYPE(message);
  if (type != GST_MESSAGE_ERROR && type != GST_MESSAGE_EOS) return G_SOURCE_CONTINUE;
  GError *error = NULL;
  if (type == GST_MESSAGE_ERROR) gst_message_parse_error(message, &error, NULL);
  g_printerr("the source has ended: %s\n", error ? error->message : "no more pictures");
  g_clear_error(&error);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  if (again == 0) again = g_timeout_add(AGAIN_MS, play_again, NULL);
  return G_SOURCE_CONTINUE;
}

static const char *first_of(const char *const *names) {
  for (; *names != NULL; names++) {
    GstElementFactory *factory = gst_element_factory_find(*names);
    if (factory == NULL) continue;
    gst_object_unref(factory);
    return *names;
  }
  return NULL;
}

/* From raw pictures to packets. Baseline and no B frames: what every browser shows at once. */
static char *encoder(GError **error) {
  static const char *const h264[] = { "v4l2h264enc", "openh264enc", "x264enc", NULL };
  int bits = options.kilobits * 1000, group = options.framerate * 10;
  if (strcmp(options.codec, "VP8") == 0) {
    return g_strdup_printf("videoconvert ! vp8enc deadline=1 cpu-used=8 lag-in-frames=0 error-resilient=default keyframe-max-dist=%d target-bitrate=%d ! rtpvp8pay picture-id-mode=15-bit", group, bits);
  }
  const char *name = first_of(h264);
  char *settings = NULL;
  if (g_strcmp0(name, "openh264enc") == 0) settings = g_strdup_printf("complexity=low rate-control=bitrate gop-size=%d bitrate=%d", group, bits);
  else if (g_strcmp0(name, "x264enc") == 0) settings = g_strdup_printf("tune=zerolatency speed-preset=ultrafast key-int-max=%d bitrate=%d", group, options.kilobits);
  else if (name != NULL) settings = g_strdup_printf("extra-controls=\"controls,video_bitrate=%d,h264_i_frame_period=%d,repeat_sequence_header=1\"", bits, group);
  char *whole = name == NULL ? NULL : g_strdup_printf(
    "videoconvert ! %s %s ! video/x-h264,profile=%s ! h264parse ! rtph264pay config-interval=-1 aggregate-mode=zero-latency",
    name, settings, strcmp(name, "v4l2h264enc") == 0 ? "baseline" : "constrained-baseline");
  if (name == NULL) g_set_error(error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN, "there is no H264 encoder: install gstreamer1.0-plugins-bad (openh264enc) or -ugly (x264enc), or use --codec VP8");
  g_free(settings);
  return whole;
}

/* No text of the options is read as a pipeline: what they hold is set as properties. */
static char *describe(const char *kind, GError **error) {
  gboolean vp8 = strcmp(options.codec, "VP8") == 0;
  const char *again_in_packets = vp8 ? "rtpvp8depay ! rtpvp8pay picture-id-mode=15-bit" : "rtph264depay ! h264parse ! rtph264pay config-interval=-1 aggregate-mode=zero-latency";
  if (strcmp(kind, "rtsp") == 0) return g_strdup_printf("rtspsrc name=from latency=100 protocols=tcp ! application/x-rtp,media=video,encoding-name=%s ! %s", options.codec, again_in_packets);
  if (strcmp(kind, "rtp") == 0) return g_strdup_printf("udpsrc name=from address=127.0.0.1 caps=\"application/x-rtp,media=video,clock-rate=90000,encoding-name=%s\" ! rtpjitterbuffer latency=50 ! %s", options.codec, again_in_packets);
  char *encoding = encoder(error);
  if (encoding == NULL) return NULL;
  char *raw = g_strdup_printf("%s ! video/x-raw,width=%d,height=%d,framerate=%d/1",
    strcmp(kind, "test") == 0 ? "videotestsrc name=from is-live=true pattern=ball background-color=0xff203040" : "v4l2src name=from ! videoconvert ! videoscale ! videorate",
    options.width, options.height, options.framerate);
  char *whole = g_strconcat(raw, " ! ", encoding, NULL);
  g_free(raw);
  g_free(encoding);
  return whole;
}

static gboolean set_place(const char *kind, GError **error) {
  GstElement *from = gst_bin_get_by_name(GST_BIN(pipeline), "from");
  gboolean right = TRUE;
  if (strcmp(kind, "v4l2") == 0) g_object_set(from, "device", options.source + strlen("v4l2:"), NULL);
  else if (strcmp(kind, "rtsp") == 0) g_object_set(from, "location", options.source, NULL);
  else if (strcmp(kind, "rtp") == 0) {
    guint64 port;
    right = g_ascii_string_to_unsigned(options.source + strlen("rtp:"), 10, 1, 65535, &port, error);
    if (right) g_object_set(from, "port", (int)port, NULL);
  }
  gst_object_unref(from);
  return right;
}

gboolean source_init(GError **error) {
  static const char *const kinds[] = { "test", "v4l2", "rtsp", "rtp" };
  const char *kind = NULL;
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    gsize length = strlen(kinds[i]);
    if (strncmp(options.source, kinds[i], length) == 0 && options.source[length] == (i == 0 ? 0 : ':')) kind = kinds[i];
  }
  if (kind == NULL) {
    g_set_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "--source is test, v4l2:/dev/video0, rtsp://… or rtp:PORT");
    return FALSE;
  }
  char *text = describe(kind, error);
  char *whole = text ? g_strdup_printf("%s timestamp-offset=1 mtu=%d ! appsink name=packets sync=false max-buffers=%d drop=true", text, MTU, MAX_PACKETS) : NULL;
  g_free(text);
  if (whole == NULL) return FALSE;
  pipeline = gst_parse_launch_full(whole, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_free(whole);
  if (pipeline == NULL || !set_place(kind, error)) return FALSE;
  gst_object_ref_sink(pipeline);
  outlets = g_ptr_array_new();
  GstClock *clock = gst_system_clock_obtain();
  gst_pipeline_use_clock(GST_PIPELINE(pipeline), clock);
  base_time = gst_clock_get_time(clock);
  gst_object_unref(clock);
  GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "packets");
  static GstAppSinkCallbacks callbacks = { .new_sample = on_packet };
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, NULL, NULL);
  gst_object_unref(sink);
  GstBus *bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline));
  gst_bus_add_watch(bus, on_bus, NULL);
  gst_object_unref(bus);
  return TRUE;
}

GstClockTime source_base_time(void) {
  return base_time;
}

GstCaps *source_caps(int payload, guint32 ssrc) {
  GstCaps *caps = gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING, "video", "encoding-name", G_TYPE_STRING, options.codec,
    "clock-rate", G_TYPE_INT, 90000, "payload", G_TYPE_INT, payload, "ssrc", G_TYPE_UINT, ssrc,
    "rtcp-fb-nack-pli", G_TYPE_BOOLEAN, TRUE, "rtcp-fb-ccm-fir", G_TYPE_BOOLEAN, TRUE, NULL);
  if (strcmp(options.codec, "H264") == 0) gst_caps_set_simple(caps, "packetization-mode", G_TYPE_STRING, "1", "profile-level-id", G_TYPE_STRING, "42e01f", "level-asymmetry-allowed", G_TYPE_STRING, "1", NULL);
  return caps;
}

void source_end(void) {
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}
