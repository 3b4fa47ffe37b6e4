/* The engine's memory: counted, and capped when asked to. At the cap the process ends there and then, and whoever started it
   starts it again. The engine is never told that there is no memory: JavaScript may catch that and go on with half a state, and
   QuickJS itself does not look at every pointer that it asks for. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "host.h"

static size_t used, peak, cap;

/* What the allocator itself keeps beside each block. */
enum { OVERHEAD = sizeof(size_t) };

static _Noreturn void end(void) {
  if (cap == 0) fprintf(stderr, "lenskey: the system has no more memory (%zu bytes in use): start again\n", used);
  else fprintf(stderr, "lenskey: the heap cap of %zu bytes is reached (%zu in use): start again\n", cap, used);
  _exit(EXIT_HEAP_CAP);
}

static void make_sure_of(size_t more) {
  if (cap != 0 && (more > cap || used > cap - more)) end();
}

static void count(JSMallocState *state, void *block) {
  size_t size = malloc_usable_size(block) + OVERHEAD;
  state->malloc_count++;
  state->malloc_size += size;
  used += size;
  if (used > peak) peak = used;
}

static void discount(JSMallocState *state, void *block) {
  size_t size = malloc_usable_size(block) + OVERHEAD;
  state->malloc_count--;
  state->malloc_size -= size;
  used -= size;
}

static void *heap_malloc(JSMallocState *state, size_t size) {
  make_sure_of(size);
  void *block = malloc(size);
  if (block == NULL) end();
  count(state, block);
  return block;
}

static void heap_free(JSMallocState *state, void *block) {
  if (block == NULL) return;
  discount(state, block);
  free(block);
}

static void *heap_realloc(JSMallocState *state, void *block, size_t size) {
  if (block == NULL) return size == 0 ? NULL : heap_malloc(state, size);
  if (size == 0) {
    heap_free(state, block);
    return NULL;
  }
  size_t before = malloc_usable_size(block);
  if (size > before) make_sure_of(size - before);
  discount(state, block);
  void *moved = realloc(block, size);
  if (moved == NULL) end();
  count(state, moved);
  return moved;
}

static size_t usable_size(const void *block) {
  return malloc_usable_size((void *)block);
}

const JSMallocFunctions capped_heap = { heap_malloc, heap_free, heap_realloc, usable_size };

void heap_set_cap(size_t bytes) { cap = bytes; }
size_t heap_used(void) { return used; }
size_t heap_peak(void) { return peak; }
size_t heap_cap(void) { return cap; }
