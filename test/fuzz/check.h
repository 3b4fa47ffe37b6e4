/* What holds for every input, whoever sent it. */
#ifndef LENSKEY_CHECK_H
#define LENSKEY_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(what) do { if (!(what)) { fprintf(stderr, "does not hold: %s, %s:%d\n", #what, __FILE__, __LINE__); abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
