/* The engine's memory: counted, and capped when asked to. What is refused is remembered, since JavaScript may catch the
   exception and go on with half a state; the loop then ends the process, and whoever started it starts it again. */
#include <malloc.h>
#include <stdlib.h>
#include "host.h"

static size_t used, peak, cap;
static bool refused;

/* What the allocator itself keeps beside each block. */
enum { OVERHEAD = sizeof(size_t) };

static bool fits(size_t more) {
  if (cap == 0 || (more <= cap && used <= cap - more)) return true;
  refused = true;
  return false;
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
  void *block = fits(size) ? malloc(size) : NULL;
  if (block != NULL) count(state, block);
  else refused = true;
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
  if (size > before && !fits(size - before)) return NULL;
  discount(state, block);
  void *moved = realloc(block, size);
  count(state, moved != NULL ? moved : block);
  if (moved == NULL) refused = true;
  return moved;
}

static size_t usable_size(const void *block) {
  return malloc_usable_size((void *)block);
}

const JSMallocFunctions capped_heap = { heap_malloc, heap_free, heap_realloc, usable_size };

void heap_set_cap(size_t bytes) { cap = bytes; }
bool heap_was_refused(void) { return refused; }
size_t heap_used(void) { return used; }
size_t heap_peak(void) { return peak; }
size_t heap_cap(void) { return cap; }
