/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to this module: what gzip or zstd packed, as a stream of the bytes that were packed; and pipes. */
#ifndef OP25B_CAPTURE_UNPACK_H
#define OP25B_CAPTURE_UNPACK_H

#include <stdint.h>
#include <stdio.h>

enum unpack_kind {
	UNPACK_NOTHING /* a stream that can tell its position where a pipe cannot */,
	UNPACK_GZIP,
	UNPACK_ZSTD
};

enum { UNPACK_BEGIN_MAX = 16 };

struct unpacker;

/*
 * *ret reads what is in the `len` bytes at `begin` (at most UNPACK_BEGIN_MAX) and then in the file of `descriptor`, as soon
 * as it is there. From success on the stream owns the descriptor (standard input stays open), and *ret_unpacker lives until
 * fclose(). Damage is a read error of the stream, never its end. Members and frames may follow each other, as both
 * programs allow. -ENOMEM, and nothing is touched.
 */
int unpack_open(int descriptor, const uint8_t *begin, size_t len, enum unpack_kind kind, FILE **ret,
		struct unpacker **ret_unpacker);

/* What is wrong with the packed data; NULL when nothing is. A string that lives as long as the unpacker. */
const char *unpack_failure(const struct unpacker *unpacker);
const char *unpack_name(const struct unpacker *unpacker); /* "gzip", "zstd" */

#endif
