/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The function that libFuzzer calls; replay.c calls the same over the files of a corpus. */
#ifndef OP25B_TESTS_FUZZ_ENTRY_H
#define OP25B_TESTS_FUZZ_ENTRY_H

#include <stddef.h>
#include <stdint.h>

/* data: size bytes, borrowed. Always 0; what it finds wrong it aborts on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
