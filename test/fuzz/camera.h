/* The engine without main.c: its options, and a camera that remembers the last line it was told. */
#ifndef LENSKEY_FUZZ_CAMERA_H
#define LENSKEY_FUZZ_CAMERA_H

#include "engine.h"
#include "check.h"

extern GString *told; /* NULL: nothing */
void camera_forget(void);
/* Texts of an input, parted by NUL; those that are missing are NULL. To be freed. */
char **texts_of(const uint8_t *data, size_t size, guint most);

#endif
