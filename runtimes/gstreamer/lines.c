/* Lines of the protocol, read and written. */
#include <string.h>
#include "engine.h"

void line_quoted(GString *line, const char *value) {
  char *mended = g_utf8_validate(value, -1, NULL) ? NULL : g_utf8_make_valid(value, -1);
  g_string_append_c(line, '"');
  for (const char *at = mended ? mended : value; *at != 0; at++) {
    if (*at == '"' || *at == '\\') g_string_append_c(line, '\\');
    if ((unsigned char)*at < 0x20) g_string_append_printf(line, "\\u%04x", *at);
    else g_string_append_c(line, *at);
  }
  g_string_append_c(line, '"');
  g_free(mended);
}

void line_member(GString *line, const char *name) {
  g_string_append_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", name);
}

void line_text(GString *line, const char *name, const char *value) {
  line_member(line, name);
  if (value == NULL) g_string_append(line, "null");
  else line_quoted(line, value);
}

void line_number(GString *line, const char *name, gint64 value) {
  line_member(line, name);
  g_string_append_printf(line, "%" G_GINT64_FORMAT, value);
}

void line_bytes(GString *line, const char *name, gconstpointer bytes, gsize length) {
  char *text = g_base64_encode(bytes, length);
  g_strdelimit(text, "+", '-');
  g_strdelimit(text, "/", '_');
  text[strcspn(text, "=")] = 0;
  line_text(line, name, text);
  g_free(text);
}

GString *line_new(const char *event, gint64 connection) {
  GString *line = g_string_new("{");
  line_text(line, "event", event);
  if (connection >= 0) line_number(line, "connection", connection);
  return line;
}

/* json-glib calls itself for each level. What it knows beyond JSON, comments and texts in single quotes, is refused: brackets could
   hide in there. */
static gboolean is_shallow(const char *text, gsize length) {
  int depth = 0;
  gboolean quoted = FALSE;
  for (gsize at = 0; at < length; at++) {
    if (quoted && text[at] == '\\') at++;
    else if (text[at] == '"') quoted = !quoted;
    else if (!quoted && (text[at] == '{' || text[at] == '[') && ++depth > MAX_LINE_DEPTH) return FALSE;
    else if (!quoted && (text[at] == '/' || text[at] == '\'')) return FALSE;
    else if (!quoted && (text[at] == '}' || text[at] == ']')) depth--;
  }
  return TRUE;
}

JsonObject *line_read(const char *text, gsize length) {
  if (!g_utf8_validate(text, length, NULL) || !is_shallow(text, length)) return NULL;
  JsonParser *parser = json_parser_new_immutable();
  JsonObject *found = NULL;
  if (json_parser_load_from_data(parser, text, length, NULL)) {
    JsonNode *root = json_parser_get_root(parser);
    if (root != NULL && JSON_NODE_HOLDS_OBJECT(root)) found = json_object_ref(json_node_get_object(root));
  }
  g_object_unref(parser);
  return found;
}

static JsonNode *member(JsonObject *line, const char *name, GType type) {
  JsonNode *node = json_object_get_member(line, name);
  return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type ? node : NULL;
}

const char *member_text(JsonObject *line, const char *name) {
  JsonNode *node = member(line, name, G_TYPE_STRING);
  const char *text = node == NULL ? NULL : json_node_get_string(node);
  /* json-glib makes halves of a pair of surrogates into what is no UTF-8. */
  return text != NULL && g_utf8_validate(text, -1, NULL) ? text : NULL;
}

gboolean member_number(JsonObject *line, const char *name, gint64 *value) {
  JsonNode *node = member(line, name, G_TYPE_INT64);
  if (node == NULL) return FALSE;
  *value = json_node_get_int(node);
  return *value >= 0;
}
