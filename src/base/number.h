/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict numbers: the whole text, decimal digits only, within a range. What strtol lets through is refused here. */
#ifndef OP25B_BASE_NUMBER_H
#define OP25B_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum number_error {
	NUMBER_OK = 0,
	NUMBER_NOT_A_NUMBER,
	NUMBER_OUT_OF_RANGE,
};

/* *ret is untouched on failure. */
enum number_error number_parse(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret);

#endif
