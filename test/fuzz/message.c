/* A viewer's message on a data channel: whatever is in it, the camera gets one line of the protocol, with the message in it. The first
   byte says whether it is text, and how often the rest comes in it, as a power of two. The same bytes as a packet of SCTP. */
#include <string.h>
#include "channels.c"
#include "camera.h"

static void check_line(const char *text, const uint8_t *bytes, size_t length) {
  CHECK(told->len <= MAX_LINE_BYTES && memchr(told->str, '\n', told->len) == told->str + told->len - 1);
  JsonObject *line = line_read(told->str, told->len - 1);
  CHECK(line != NULL && g_strcmp0(member_text(line, "event"), "message") == 0 && json_object_get_size(line) == 4);
  if (text != NULL) {
    char *mended = g_utf8_make_valid(text, -1);
    CHECK(g_strcmp0(member_text(line, "text"), mended) == 0);
    g_free(mended);
  } else {
    const char *said = member_text(line, "bytes");
    gsize decoded;
    char *standard = g_strconcat(said, &"==="[(strlen(said) + 3) % 4], NULL);
    g_strdelimit(standard, "-", '+');
    g_strdelimit(standard, "_", '/');
    guchar *again = g_base64_decode(standard, &decoded);
    CHECK(decoded == length && memcmp(again, bytes, length) == 0);
    g_free(again);
    g_free(standard);
  }
  json_object_unref(line);
}

/* After its header of 12 bytes a SACK, a chunk of 6 bytes with its padding, and the shutdown; and the same with a SACK of no length. */
static void check_known_packets(void) {
  uint8_t packet[12 + 16 + 8 + 8] = { [12] = 3, [15] = 16, [28] = 130, [31] = 6, [36] = 7, [39] = 8 };
  for (size_t length = 0; length <= sizeof packet; length++) CHECK(sctp_says_end(packet, length) == (length >= 40));
  packet[15] = 0;
  CHECK(!sctp_says_end(packet, sizeof packet));
}

static void check_packet(const uint8_t *packet, size_t length) {
  if (!sctp_says_end(packet, length)) return;
  size_t at = 12;
  while (at + 4 <= length && packet[at] != 6 && packet[at] != 7 && packet[at] != 14) at += 4;
  CHECK(at + 4 <= length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct connection *connection;
  static struct channel *channel;
  if (connection == NULL) {
    check_known_packets();
    connection = g_atomic_rc_box_new0(struct connection);
    connection->channels = g_hash_table_new(g_int64_hash, g_int64_equal);
    connection->trusted = TRUE;
    channel = channel_new(connection, 2);
    g_hash_table_insert(connection->channels, &channel->number, channel);
  }
  check_packet(data, size);
  if (size == 0) return 0;
  GByteArray *bytes = g_byte_array_new();
  for (guint times = 1u << (data[0] >> 4); times > 0 && bytes->len <= 2 * MAX_MESSAGE_BYTES; times--) g_byte_array_append(bytes, data + 1, size - 1);
  const uint8_t *message = bytes->len > 0 ? bytes->data : data;
  char *text = data[0] & 1 ? g_strndup((const char *)message, bytes->len) : NULL;
  size_t length = text ? strlen(text) : bytes->len;
  camera_forget();
  on_message(channel, text, message, length);
  while (g_main_context_iteration(NULL, FALSE)) continue;
  CHECK(connection->queued_bytes == 0);
  if (told != NULL) check_line(text, message, length);
  else CHECK(length > MAX_MESSAGE_BYTES || (text != NULL && 6 * length > MAX_LINE_BYTES / 2));
  g_free(text);
  g_byte_array_unref(bytes);
  return 0;
}
