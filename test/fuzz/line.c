/* A line of the protocol: what is taken is no deeper than may be, and each text in it comes back when it is said again. */
#include <string.h>
#include "camera.h"

static int depth_of(JsonNode *node) {
  int deepest = 0;
  GList *inner = NULL;
  if (JSON_NODE_HOLDS_OBJECT(node)) inner = json_object_get_values(json_node_get_object(node));
  else if (JSON_NODE_HOLDS_ARRAY(node)) inner = json_array_get_elements(json_node_get_array(node));
  else return 0;
  for (GList *at = inner; at != NULL; at = at->next) deepest = MAX(deepest, depth_of(at->data));
  g_list_free(inner);
  return deepest + 1;
}

static void say_again(const char *text) {
  GString *line = line_new("again", 1);
  line_text(line, "text", text);
  g_string_append_c(line, '}');
  CHECK(memchr(line->str, '\n', line->len) == NULL);
  JsonObject *read = line_read(line->str, line->len);
  CHECK(read != NULL && g_strcmp0(member_text(read, "text"), text) == 0);
  json_object_unref(read);
  g_string_free(line, TRUE);
}

static void look_at(JsonObject *line, const char *name, JsonNode *node, gpointer unused) {
  (void)node, (void)unused;
  gint64 number;
  const char *text = member_text(line, name);
  if (member_number(line, name, &number)) CHECK(number >= 0);
  if (text == NULL) return;
  CHECK(g_utf8_validate(text, -1, NULL));
  say_again(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  JsonObject *line = line_read((const char *)data, size);
  if (line == NULL) return 0;
  JsonNode *root = json_node_init_object(json_node_alloc(), line);
  CHECK(depth_of(root) <= MAX_LINE_DEPTH);
  json_node_unref(root);
  json_object_foreach_member(line, look_at, NULL);
  json_object_unref(line);
  return 0;
}
