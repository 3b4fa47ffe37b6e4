/* A camera of Video4Linux by LD_PRELOAD, where no kernel has one: the file VIDEO_DEVICE is its device. While a file of that name and
   ".out" is there it is unplugged. 320×240 YUYV, 25 pictures a second: the left half white, the right half black. x86-64.
   Calls are those of the Linux header <linux/videodev2.h>; a camera that the kernel knows answers the same. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { WIDTH = 320, HEIGHT = 240, SIZE = WIDTH * HEIGHT * 2, BUFFERS = 8, RATE = 25 };

static uint8_t *memory;
static struct v4l2_buffer buffers[BUFFERS];
static unsigned count, sequence;

static int unplugged(void) {
  char name[512];
  snprintf(name, sizeof name, "%s.out", getenv("VIDEO_DEVICE"));
  return access(name, F_OK) == 0;
}

static int fail(int code) {
  errno = code;
  return -1;
}

/* What is opened is a timer, which can be read when a picture is due, as a camera can. Nobody else maps or controls timers. */
static int is_device(int fd) {
  char link[64], target[64] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return fd >= 0 && readlink(link, target, sizeof target - 1) > 0 && strstr(target, "[timerfd]") != NULL;
}

static int open_any(const char *path, int flags, mode_t mode) {
  const char *ours = getenv("VIDEO_DEVICE");
  if (ours == NULL || strcmp(path, ours) != 0) return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  if (unplugged()) return fail(ENODEV);
  if (memory == NULL) memory = mmap(NULL, BUFFERS * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  count = sequence = 0;
  return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = va_arg(more, mode_t); \
    va_end(more); \
    return open_any(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

/* Of the device it maps what QUERYBUF has said. */
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
  if (memory != NULL && is_device(fd)) return memory + offset;
  return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap64(at, length, protection, flags, fd, offset);
}

int munmap(void *at, size_t length) {
  if (memory != NULL && (uint8_t *)at >= memory && (uint8_t *)at < memory + BUFFERS * SIZE) return 0;
  return syscall(SYS_munmap, at, length);
}

static void tick(int device, int rate) {
  long pause = rate == 0 ? 0 : 1000000000L / rate;
  struct itimerspec times = { { 0, pause }, { 0, pause } };
  timerfd_settime(device, 0, &times, NULL);
}

static int format(struct v4l2_format *format) {
  if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
  memset(&format->fmt, 0, sizeof format->fmt);
  format->fmt.pix = (struct v4l2_pix_format){
    .width = WIDTH, .height = HEIGHT, .pixelformat = V4L2_PIX_FMT_YUYV, .field = V4L2_FIELD_NONE, .bytesperline = WIDTH * 2, .sizeimage = SIZE, .colorspace = V4L2_COLORSPACE_SRGB,
  };
  return 0;
}

static int dequeue(int device, struct v4l2_buffer *wanted) {
  uint64_t ticks;
  if (unplugged()) return fail(ENODEV);
  struct v4l2_buffer *buffer = NULL;
  for (unsigned i = 0; i < count; i++) {
    if (buffers[i].flags & V4L2_BUF_FLAG_QUEUED && (buffer == NULL || buffers[i].sequence < buffer->sequence)) buffer = &buffers[i];
  }
  if (buffer == NULL || read(device, &ticks, sizeof ticks) < 0) return fail(EAGAIN);
  uint8_t *pixels = memory + buffer->m.offset;
  for (int at = 0; at < SIZE; at += 2) {
    pixels[at] = at / 2 % WIDTH < WIDTH / 2 ? 235 : 16;
    pixels[at + 1] = 128;
  }
  buffer->flags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  buffer->bytesused = SIZE;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  buffer->timestamp = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
  *wanted = *buffer;
  wanted->sequence = sequence++;
  return 0;
}

static int queue(struct v4l2_buffer *given) {
  static unsigned order;
  if (given->index >= count) return fail(EINVAL);
  buffers[given->index].flags |= V4L2_BUF_FLAG_QUEUED;
  buffers[given->index].sequence = order++;
  *given = buffers[given->index];
  return 0;
}

static int request(struct v4l2_requestbuffers *wanted) {
  if (wanted->memory != V4L2_MEMORY_MMAP || wanted->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
  count = wanted->count = wanted->count > BUFFERS ? BUFFERS : wanted->count;
  for (unsigned i = 0; i < count; i++) {
    buffers[i] = (struct v4l2_buffer){ .index = i, .type = wanted->type, .memory = wanted->memory, .field = V4L2_FIELD_NONE, .length = SIZE, .m.offset = i * SIZE, .flags = V4L2_BUF_FLAG_MAPPED };
  }
  return 0;
}

static int answer(int device, unsigned long what, void *about) {
  if (unplugged()) return fail(ENODEV);
  if (what == VIDIOC_QUERYCAP) {
    struct v4l2_capability *found = about;
    *found = (struct v4l2_capability){ .driver = "played", .card = "played camera", .bus_info = "platform:played", .version = 0x060000 };
    found->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    found->capabilities = found->device_caps | V4L2_CAP_DEVICE_CAPS;
    return 0;
  }
  if (what == VIDIOC_ENUM_FMT) {
    struct v4l2_fmtdesc *found = about;
    if (found->index > 0 || found->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
    found->flags = 0;
    found->pixelformat = V4L2_PIX_FMT_YUYV;
    return 0;
  }
  if (what == VIDIOC_ENUM_FRAMESIZES) {
    struct v4l2_frmsizeenum *found = about;
    if (found->index > 0 || found->pixel_format != V4L2_PIX_FMT_YUYV) return fail(EINVAL);
    found->type = V4L2_FRMSIZE_TYPE_DISCRETE;
    found->discrete = (struct v4l2_frmsize_discrete){ WIDTH, HEIGHT };
    return 0;
  }
  if (what == VIDIOC_ENUM_FRAMEINTERVALS) {
    struct v4l2_frmivalenum *found = about;
    if (found->index > 0) return fail(EINVAL);
    found->type = V4L2_FRMIVAL_TYPE_DISCRETE;
    found->discrete = (struct v4l2_fract){ 1, RATE };
    return 0;
  }
  if (what == VIDIOC_G_FMT || what == VIDIOC_S_FMT || what == VIDIOC_TRY_FMT) return format(about);
  if (what == VIDIOC_G_PARM || what == VIDIOC_S_PARM) {
    struct v4l2_streamparm *found = about;
    found->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    found->parm.capture.timeperframe = (struct v4l2_fract){ 1, RATE };
    return 0;
  }
  if (what == VIDIOC_G_INPUT || what == VIDIOC_S_INPUT) return *(int *)about = 0;
  if (what == VIDIOC_ENUMINPUT) {
    struct v4l2_input *found = about;
    if (found->index > 0) return fail(EINVAL);
    *found = (struct v4l2_input){ .name = "played", .type = V4L2_INPUT_TYPE_CAMERA };
    return 0;
  }
  if (what == VIDIOC_REQBUFS) return request(about);
  if (what == VIDIOC_QUERYBUF) {
    struct v4l2_buffer *found = about;
    if (found->index >= count) return fail(EINVAL);
    *found = buffers[found->index];
    return 0;
  }
  if (what == VIDIOC_QBUF) return queue(about);
  if (what == VIDIOC_DQBUF) return dequeue(device, about);
  if (what == VIDIOC_STREAMON || what == VIDIOC_STREAMOFF) {
    tick(device, what == VIDIOC_STREAMON ? RATE : 0);
    return 0;
  }
  return fail(what == VIDIOC_QUERYCTRL ? EINVAL : ENOTTY);
}

int ioctl(int fd, unsigned long what, ...) {
  va_list more;
  va_start(more, what);
  void *about = va_arg(more, void *);
  va_end(more);
  /* The header's numbers are unsigned int. */
  return is_device(fd) ? answer(fd, (unsigned)what, about) : syscall(SYS_ioctl, fd, what, about);
}
