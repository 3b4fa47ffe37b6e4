/* A camera that others made: RTSP with one stream, for a user with a password. Prints its port.
   Usage: rtsp-server PIPELINE USER PASSWORD PORT */
#include <gst/rtsp-server/rtsp-server.h>

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  if (argc != 5) return 64;
  GstRTSPServer *server = gst_rtsp_server_new();
  gst_rtsp_server_set_address(server, "127.0.0.1");
  gst_rtsp_server_set_service(server, argv[4]);
  GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
  gst_rtsp_media_factory_set_launch(factory, argv[1]);
  gst_rtsp_media_factory_set_shared(factory, TRUE);
  gst_rtsp_media_factory_add_role(factory, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN, TRUE,
    GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE, NULL);
  GstRTSPAuth *auth = gst_rtsp_auth_new();
  GstRTSPToken *token = gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", NULL);
  char *basic = gst_rtsp_auth_make_basic(argv[2], argv[3]);
  gst_rtsp_auth_add_basic(auth, basic, token);
  gst_rtsp_server_set_auth(server, auth);
  gst_rtsp_mount_points_add_factory(gst_rtsp_server_get_mount_points(server), "/front", factory);
  if (gst_rtsp_server_attach(server, NULL) == 0) return 71;
  g_print("serving %d\n", gst_rtsp_server_get_bound_port(server));
  g_main_loop_run(g_main_loop_new(NULL, FALSE));
  return 0;
}
