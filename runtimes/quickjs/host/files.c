/* Files that survive a power cut: the new one is written beside the old one, brought to the disk, and renamed, and then the
   folder is brought to the disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host.h"

enum { MAX_PATH_BYTES = 4000 };

static const char *path_of(JSContext *ctx, JSValueConst value) {
  size_t length;
  const char *path = JS_ToCStringLen(ctx, &length, value);
  if (path == NULL || (length <= MAX_PATH_BYTES && strlen(path) == length)) return path;
  JS_FreeCString(ctx, path);
  JS_ThrowRangeError(ctx, "the path is too long or holds a NUL");
  return NULL;
}

/* -1 with errno set when not all could be read. */
static int read_all(int fd, uint8_t *bytes, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t got = read(fd, bytes + done, length - done);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = EIO; /* somebody shortens it meanwhile */
    if (got <= 0) return -1;
    done += got;
  }
  return 0;
}

/* readFile(path, maxBytes): ArrayBuffer | undefined, when there is none */
static JSValue read_file(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t max;
  if (JS_ToInt64(ctx, &max, argv[1])) return JS_EXCEPTION;
  const char *path = path_of(ctx, argv[0]);
  if (path == NULL) return JS_EXCEPTION;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  int reason = errno;
  JS_FreeCString(ctx, path);
  errno = reason;
  if (fd < 0) return errno == ENOENT ? JS_UNDEFINED : throw_errno(ctx, "the file cannot be opened");
  struct stat status;
  JSValue result;
  if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) result = JS_ThrowTypeError(ctx, "it is not a file");
  else if (status.st_size > max) result = JS_ThrowRangeError(ctx, "the file has more than %d bytes", (int)max);
  else {
    uint8_t *bytes = malloc(status.st_size + 1);
    if (bytes == NULL) result = JS_ThrowOutOfMemory(ctx);
    else if (read_all(fd, bytes, status.st_size) < 0) result = throw_errno(ctx, "the file cannot be read");
    else result = JS_NewArrayBufferCopy(ctx, bytes, status.st_size);
    free(bytes);
  }
  close(fd);
  return result;
}

static int sync_folder(const char *path) {
  char folder[MAX_PATH_BYTES + 1];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path), slash == NULL ? "." : path);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  int failed = fsync(fd);
  close(fd);
  return failed;
}

static int write_through(const char *path, const uint8_t *bytes, size_t length) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  size_t done = 0;
  while (done < length) {
    ssize_t put = write(fd, bytes + done, length - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;
    done += put;
  }
  int failed = done < length || fsync(fd) < 0 ? -1 : 0;
  int reason = errno;
  if (close(fd) < 0 && !failed) return -1;
  errno = reason;
  return failed;
}

/* writeFile(path, bytes): void */
static JSValue write_file(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length;
  const uint8_t *bytes = bytes_of(ctx, argv[1], &length);
  const char *path = bytes == NULL ? NULL : path_of(ctx, argv[0]);
  if (path == NULL) return JS_EXCEPTION;
  char temporary[MAX_PATH_BYTES + 8];
  snprintf(temporary, sizeof temporary, "%s.tmp", path);
  int failed = write_through(temporary, bytes, length) || rename(temporary, path);
  int reason = errno;
  if (failed) unlink(temporary);
  else if ((failed = sync_folder(path)) != 0) reason = errno;
  JS_FreeCString(ctx, path);
  if (!failed) return JS_UNDEFINED;
  errno = reason;
  return throw_errno(ctx, "the file cannot be written");
}

/* removeFile(path): void, also when there is none */
static JSValue remove_file(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const char *path = path_of(ctx, argv[0]);
  if (path == NULL) return JS_EXCEPTION;
  int failed = unlink(path) < 0 ? (errno == ENOENT ? 0 : -1) : sync_folder(path);
  int reason = errno;
  JS_FreeCString(ctx, path);
  errno = reason;
  return failed ? throw_errno(ctx, "the file cannot be removed") : JS_UNDEFINED;
}

/* makeFolder(path): void, also when it is there */
static JSValue make_folder(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const char *path = path_of(ctx, argv[0]);
  if (path == NULL) return JS_EXCEPTION;
  int failed = mkdir(path, 0700) < 0 && errno != EEXIST;
  int reason = errno;
  JS_FreeCString(ctx, path);
  errno = reason;
  return failed ? throw_errno(ctx, "the folder cannot be made") : JS_UNDEFINED;
}

void add_files(JSContext *ctx, JSValueConst board) {
  JS_SetPropertyStr(ctx, board, "readFile", JS_NewCFunction(ctx, read_file, "readFile", 2));
  JS_SetPropertyStr(ctx, board, "writeFile", JS_NewCFunction(ctx, write_file, "writeFile", 2));
  JS_SetPropertyStr(ctx, board, "removeFile", JS_NewCFunction(ctx, remove_file, "removeFile", 1));
  JS_SetPropertyStr(ctx, board, "makeFolder", JS_NewCFunction(ctx, make_folder, "makeFolder", 1));
}
