/* lenskey-engine: WebRTC connections and a picture for a camera whose logic runs elsewhere (docs/engine-protocol.md). */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "engine.h"

struct options options = { .source = NULL, .width = 640, .height = 360, .framerate = 15, .kilobits = 800 };

/* The camera that is served; one at a time. */
static struct {
  int fd;
  guint reads, writes; /* sources of the main loop */
  char in[MAX_LINE_BYTES];
  gsize in_used;
  GByteArray *out;
} camera = { .fd = -1 };
static GMainLoop *loop;

static void camera_drop(const char *why) {
  if (camera.fd < 0) return;
  g_printerr("the camera is gone: %s\n", why);
  if (camera.reads) g_source_remove(camera.reads);
  if (camera.writes) g_source_remove(camera.writes);
  close(camera.fd);
  camera.fd = -1;
  camera.reads = camera.writes = camera.in_used = 0;
  g_byte_array_set_size(camera.out, 0);
  connections_close_all();
}

static gboolean drop_slow_camera(gpointer unused) {
  (void)unused;
  camera_drop("it does not read");
  return G_SOURCE_REMOVE;
}

static gboolean on_writable(gint fd, GIOCondition condition, gpointer unused) {
  (void)condition, (void)unused;
  while (camera.out->len > 0) {
    ssize_t sent = send(fd, camera.out->data, camera.out->len, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return G_SOURCE_CONTINUE;
    if (sent <= 0) {
      camera.writes = 0;
      camera_drop(g_strerror(errno));
      return G_SOURCE_REMOVE;
    }
    g_byte_array_remove_range(camera.out, 0, sent);
  }
  camera.writes = 0;
  return G_SOURCE_REMOVE;
}

void camera_send(GString *line) {
  static gboolean dropping;
  g_string_append(line, "}\n");
  if (camera.fd >= 0) {
    if (camera.out->len + line->len > MAX_QUEUED_BYTES) {
      /* Not from here: whoever says something is in the middle of it. */
      if (!dropping) g_idle_add(drop_slow_camera, NULL);
      dropping = TRUE;
    } else {
      dropping = FALSE;
      g_byte_array_append(camera.out, (const guint8 *)line->str, line->len);
      if (camera.writes == 0) camera.writes = g_unix_fd_add(camera.fd, G_IO_OUT, on_writable, NULL);
    }
  }
  g_string_free(line, TRUE);
}

/* @returns whether it was a line of the protocol */
static gboolean take_line(const char *text, gsize length) {
  JsonObject *line = line_read(text, length);
  if (line == NULL) return FALSE;
  connections_take(line);
  json_object_unref(line);
  return TRUE;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer unused) {
  (void)condition, (void)unused;
  ssize_t got = recv(fd, camera.in + camera.in_used, sizeof camera.in - camera.in_used, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return G_SOURCE_CONTINUE;
  const char *why = got == 0 ? "it has closed" : got < 0 ? g_strerror(errno) : NULL;
  gsize from = 0, looked = camera.in_used;
  if (why == NULL) camera.in_used += got;
  while (why == NULL) {
    char *end = memchr(camera.in + looked, '\n', camera.in_used - looked);
    if (end == NULL) break;
    if (!take_line(camera.in + from, end - (camera.in + from))) why = "it sent a line that is no JSON object";
    from = looked = end + 1 - camera.in;
  }
  if (why == NULL) {
    camera.in_used -= from;
    memmove(camera.in, camera.in + from, camera.in_used);
    if (camera.in_used == sizeof camera.in) why = "it sent a line that is too long";
  }
  if (why == NULL) return G_SOURCE_CONTINUE;
  camera.reads = 0;
  camera_drop(why);
  return G_SOURCE_REMOVE;
}

static gboolean on_camera(gint listener, GIOCondition condition, gpointer unused) {
  (void)condition, (void)unused;
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return G_SOURCE_CONTINUE;
  if (camera.fd >= 0) {
    g_printerr("a second camera is turned away\n");
    close(fd);
    return G_SOURCE_CONTINUE;
  }
  camera.fd = fd;
  camera.reads = g_unix_fd_add(fd, G_IO_IN, on_readable, NULL);
  GString *hello = line_new("hello", -1);
  line_number(hello, "version", 1);
  line_text(hello, "engine", "lenskey on GStreamer");
  line_member(hello, "iceRestart");
  g_string_append(hello, "false");
  line_text(hello, "codec", options.codec);
  camera_send(hello);
  return G_SOURCE_CONTINUE;
}

/* A socket that was left behind is taken over, one that somebody serves is not. */
static int listen_at(const char *path) {
  struct sockaddr_un at = { .sun_family = AF_UNIX };
  if (strlen(path) >= sizeof at.sun_path) return errno = ENAMETOOLONG, -1;
  strcpy(at.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct stat found;
  if (lstat(path, &found) == 0 && S_ISSOCK(found.st_mode)) {
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0) return close(fd), errno = EADDRINUSE, -1;
    if (errno == ECONNREFUSED) unlink(path);
  }
  mode_t before = umask(0117); /* for its user and group */
  int bound = bind(fd, (struct sockaddr *)&at, sizeof at);
  umask(before);
  if (bound != 0 || listen(fd, 4) != 0) return -1;
  return fcntl(fd, F_SETFL, O_NONBLOCK), fd;
}

static gboolean on_signal(gpointer unused) {
  (void)unused;
  g_main_loop_quit(loop);
  return G_SOURCE_CONTINUE;
}

static gboolean says_version;
static const GOptionEntry entries[] = {
  { "socket", 0, 0, G_OPTION_ARG_FILENAME, &options.socket, "where the camera connects", "PATH" },
  { "source", 0, 0, G_OPTION_ARG_STRING, &options.source, "test, v4l2:/dev/video0, rtsp://…, or rtp:PORT (default test)", "SOURCE" },
  { "codec", 0, 0, G_OPTION_ARG_STRING, &options.codec, "VP8 or H264 (default VP8)", "CODEC" },
  { "width", 0, 0, G_OPTION_ARG_INT, &options.width, "of test and v4l2 (default 640)", "PIXELS" },
  { "height", 0, 0, G_OPTION_ARG_INT, &options.height, "of test and v4l2 (default 360)", "PIXELS" },
  { "framerate", 0, 0, G_OPTION_ARG_INT, &options.framerate, "of test and v4l2 (default 15)", "FRAMES" },
  { "bitrate", 0, 0, G_OPTION_ARG_INT, &options.kilobits, "of test and v4l2, kilobits per second (default 800)", "KBPS" },
  { "address", 0, 0, G_OPTION_ARG_STRING, &options.address, "the only local address to use (default all but loopback)", "IP" },
  { "ports", 0, 0, G_OPTION_ARG_STRING, &options.ports, "UDP ports to use", "FIRST-LAST" },
  { "version", 0, 0, G_OPTION_ARG_NONE, &says_version, "print the version, and end", NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static int usage(const char *what) {
  g_printerr("lenskey-engine: %s; --help shows all\n", what);
  return 64; /* EX_USAGE */
}

int main(int argc, char **argv) {
  GError *error = NULL;
  GOptionContext *context = g_option_context_new("- WebRTC for a lenskey camera");
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error)) return usage(error->message);
  g_option_context_free(context);
  if (says_version) {
    char *library = gst_version_string();
    g_print("lenskey-engine %s, %s\n", LENSKEY_VERSION, library);
    g_free(library);
    return 0;
  }
  if (argc > 1) return usage("it takes options only");
  if (options.socket == NULL) return usage("--socket is needed");
  if (options.codec == NULL) options.codec = g_strdup("VP8");
  if (options.source == NULL) options.source = g_strdup("test");
  if (strcmp(options.codec, "VP8") != 0 && strcmp(options.codec, "H264") != 0) return usage("--codec is VP8 or H264");
  if (options.width < 16 || options.width > 7680 || options.height < 16 || options.height > 4320) return usage("--width and --height are 16 to 7680 and 4320");
  if (options.framerate < 1 || options.framerate > 120 || options.kilobits < 10 || options.kilobits > 100000) return usage("--framerate is 1 to 120, --bitrate 10 to 100000");

  gst_init(NULL, NULL);
  camera.out = g_byte_array_new();
  connections_init();
  if (!source_init(&error)) {
    g_printerr("lenskey-engine: %s\n", error->message);
    return 78; /* EX_CONFIG */
  }
  int listener = listen_at(options.socket);
  if (listener < 0) {
    g_printerr("lenskey-engine: %s: %s\n", options.socket, g_strerror(errno));
    return 71; /* EX_OSERR */
  }
  loop = g_main_loop_new(NULL, FALSE);
  g_unix_fd_add(listener, G_IO_IN, on_camera, NULL);
  g_unix_signal_add(SIGTERM, on_signal, NULL);
  g_unix_signal_add(SIGINT, on_signal, NULL);
  g_print("ready\n");
  g_main_loop_run(loop);
  camera_drop("the engine is asked to stop");
  source_end();
  unlink(options.socket);
  return 0;
}
