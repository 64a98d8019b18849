/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum {
	PACKED_MAX = 65536,
	GZIP_WINDOW = 15 + 16 /* zlib: the largest window, and gzip's header and check */
};

struct unpacker {
	int descriptor;
	enum unpack_kind kind;
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool inside; /* a member or frame has begun and not ended */
	const char *failure;
	off64_t given;  /* bytes read from the stream so far */
	size_t at, len; /* what is not yet unpacked */
	uint8_t packed[PACKED_MAX];
};

/* One call of the library: what was there may be used up, `size` bytes at `out` be filled in part. The bytes written. */
static size_t unpack_gzip(struct unpacker *unpacker, char *out, size_t size)
{
	z_stream *stream = &unpacker->gzip;
	int r = Z_OK;

	stream->next_in = unpacker->packed + unpacker->at;
	stream->avail_in = (uInt)(unpacker->len - unpacker->at);
	stream->next_out = (Bytef *)out;
	stream->avail_out = (uInt)size;
	if (!unpacker->inside)
		r = inflateReset(stream);
	unpacker->inside = true;
	if (r == Z_OK)
		r = inflate(stream, Z_NO_FLUSH);
	unpacker->at = unpacker->len - stream->avail_in;
	if (r == Z_STREAM_END)
		unpacker->inside = false;
	else if (r != Z_OK && r != Z_BUF_ERROR)
		unpacker->failure = stream->msg ? stream->msg : "no gzip data";
	return size - stream->avail_out;
}

static size_t unpack_zstd(struct unpacker *unpacker, void *out, size_t size)
{
	ZSTD_inBuffer in = {unpacker->packed, unpacker->len, unpacker->at};
	ZSTD_outBuffer into = {out, size, 0};
	size_t r = ZSTD_decompressStream(unpacker->zstd, &into, &in);

	unpacker->at = in.pos;
	unpacker->inside = r != 0;
	if (ZSTD_isError(r))
		unpacker->failure = ZSTD_getErrorName(r);
	return into.pos;
}

static bool refill(struct unpacker *unpacker)
{
	ssize_t got;

	do
		got = read(unpacker->descriptor, unpacker->packed, sizeof(unpacker->packed));
	while (got < 0 && errno == EINTR);
	unpacker->at = 0;
	unpacker->len = got > 0 ? (size_t)got : 0;
	if (got < 0)
		unpacker->failure = strerror(errno);
	else if (got == 0 && unpacker->inside)
		unpacker->failure = "they end too early";
	return got > 0;
}

static size_t copy(struct unpacker *unpacker, char *out, size_t size)
{
	size_t left = unpacker->len - unpacker->at, part = left < size ? left : size;

	memcpy(out, unpacker->packed + unpacker->at, part);
	unpacker->at += part;
	return part;
}

static size_t unpack(struct unpacker *unpacker, char *out, size_t size)
{
	switch (unpacker->kind) {
	case UNPACK_GZIP:
		return unpack_gzip(unpacker, out, size);
	case UNPACK_ZSTD:
		return unpack_zstd(unpacker, out, size);
	case UNPACK_NOTHING:
		break;
	}
	return copy(unpacker, out, size);
}

/* The library may hold output back for want of room, so it is asked before more is read. */
static ssize_t read_unpacked(void *cookie, char *out, size_t size)
{
	struct unpacker *unpacker = cookie;
	size_t part = size < UINT32_MAX ? size : UINT32_MAX;

	while (!unpacker->failure) {
		size_t got = 0;

		if (unpacker->inside || unpacker->at < unpacker->len)
			got = unpack(unpacker, out, part);
		unpacker->given += (off64_t)got;
		if (got > 0)
			return (ssize_t)got;
		if (!unpacker->failure && unpacker->at == unpacker->len && !refill(unpacker) &&
		    !unpacker->failure)
			return 0;
	}
	errno = EBADMSG;
	return -1;
}

/* For ftello() alone. */
static int tell_position(void *cookie, off64_t *offset, int whence)
{
	const struct unpacker *unpacker = cookie;

	if (whence != SEEK_CUR || *offset != 0) {
		errno = ESPIPE;
		return -1;
	}
	*offset = unpacker->given;
	return 0;
}

static int close_unpacker(void *cookie)
{
	struct unpacker *unpacker = cookie;

	if (unpacker->descriptor > STDIN_FILENO)
		close(unpacker->descriptor);
	if (unpacker->kind == UNPACK_GZIP)
		(void)inflateEnd(&unpacker->gzip);
	(void)ZSTD_freeDStream(unpacker->zstd);
	free(unpacker);
	return 0;
}

static bool prepare(struct unpacker *unpacker)
{
	switch (unpacker->kind) {
	case UNPACK_GZIP:
		return inflateInit2(&unpacker->gzip, GZIP_WINDOW) == Z_OK;
	case UNPACK_ZSTD:
		unpacker->zstd = ZSTD_createDStream();
		return unpacker->zstd != NULL;
	case UNPACK_NOTHING:
		break;
	}
	return true;
}

static struct unpacker *new_unpacker(enum unpack_kind kind)
{
	struct unpacker *unpacker = calloc(1, sizeof(*unpacker));

	if (!unpacker)
		return NULL;
	unpacker->kind = kind;
	unpacker->descriptor = -1;
	if (prepare(unpacker))
		return unpacker;
	free(unpacker);
	return NULL;
}

int unpack_open(int descriptor, const uint8_t *begin, size_t len, enum unpack_kind kind, FILE **ret,
		struct unpacker **ret_unpacker)
{
	const cookie_io_functions_t functions = {
		.read = read_unpacked, .seek = tell_position, .close = close_unpacker};
	struct unpacker *unpacker = new_unpacker(kind);
	FILE *stream = unpacker ? fopencookie(unpacker, "r", functions) : NULL;

	if (!stream) {
		if (unpacker)
			close_unpacker(unpacker);
		return -ENOMEM;
	}
	memcpy(unpacker->packed, begin, len);
	unpacker->len = len;
	unpacker->descriptor = descriptor;
	(void)setvbuf(stream, NULL, _IOFBF, PACKED_MAX);
	*ret = stream;
	*ret_unpacker = unpacker;
	return 0;
}

const char *unpack_failure(const struct unpacker *unpacker)
{
	return unpacker->failure;
}

const char *unpack_name(const struct unpacker *unpacker)
{
	return unpacker->kind == UNPACK_GZIP ? "gzip" : "zstd";
}
