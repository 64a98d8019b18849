/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
	PACKED_MAX = 1 << 17,
	GZIP_WINDOW = 15 + 16, /* zlib: the largest window, and gzip's header and check */
	GZIP_TRAILER = 4,      /* of its 8 bytes those with the size, the low byte first (RFC 1952) */
	ZSTD_HEADER_MAX = 18,
	ZSTD_WINDOW_LOG = 27, /* 128 MiB: what zstd itself takes without being asked */
};

enum packing { PLAIN, GZIP, ZSTD };

struct input {
	int descriptor;
	enum packing packing;
	struct stat stat;
	uint64_t place; /* in the file as it is */
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool inside;  /* a member or frame has begun and not ended */
	bool members; /* one has ended */
	bool damaged;
	const char *failure;
	size_t at, len; /* what is not yet unpacked */
	uint8_t packed[PACKED_MAX];
};

static ssize_t read_at(int descriptor, uint64_t place, void *out, size_t size)
{
	ssize_t got;

	do
		got = pread(descriptor, out, size, (off_t)place);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Frames of zstd (RFC 8878): of data, or to be skipped, as pzstd puts first. */
static bool is_zstd(const uint8_t magic[4])
{
	bool data = magic[0] == 0x28 && magic[1] == 0xb5;
	bool skipped = (magic[0] & 0xf0) == 0x50 && magic[1] == 0x2a;

	return data ? magic[2] == 0x2f && magic[3] == 0xfd : skipped && magic[2] == 0x4d && magic[3] == 0x18;
}

static bool prepare(struct input *input)
{
	uint8_t magic[4] = {0};

	(void)read_at(input->descriptor, 0, magic, sizeof(magic));
	if (magic[0] == 0x1f && magic[1] == 0x8b) {
		input->packing = GZIP;
		return inflateInit2(&input->gzip, GZIP_WINDOW) == Z_OK;
	}
	if (is_zstd(magic)) {
		input->packing = ZSTD;
		input->zstd = ZSTD_createDStream();
		return input->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(input->zstd, ZSTD_d_windowLogMax,
									   ZSTD_WINDOW_LOG));
	}
	return true;
}

static int open_regular(const char *path, struct stat *ret)
{
	/* A pipe without a writer would keep a plain open() waiting. */
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = descriptor < 0 || fstat(descriptor, ret) < 0 ? -errno : 0;

	if (r == 0 && !S_ISREG(ret->st_mode))
		r = S_ISDIR(ret->st_mode) ? -EISDIR : -EINVAL;
	if (r == 0)
		return descriptor;
	if (descriptor >= 0)
		close(descriptor);
	return r;
}

int input_open(const char *path, struct input **ret)
{
	struct stat found = {0};
	int descriptor = open_regular(path, &found);
	struct input *input;

	if (descriptor < 0)
		return descriptor;
	input = calloc(1, sizeof(*input));
	if (!input) {
		close(descriptor);
		return -ENOMEM;
	}
	input->descriptor = descriptor;
	input->stat = found;
	if (!prepare(input)) {
		input->packing = PLAIN;
		input_close(input);
		return -ENOMEM;
	}
	(void)posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
	*ret = input;
	return 0;
}

void input_close(struct input *input)
{
	if (!input)
		return;
	close(input->descriptor);
	if (input->packing == GZIP)
		(void)inflateEnd(&input->gzip);
	(void)ZSTD_freeDStream(input->zstd);
	free(input);
}

static void damage(struct input *input, const char *why)
{
	input->failure = why;
	input->damaged = true;
}

/* What stands behind a member and is none: zeros fill up blocks of tapes; gzip leaves them out, too, and warns of all else. */
static bool ends_here(struct input *input)
{
	while (input->at < input->len && input->packed[input->at] == 0)
		input->at++;
	if (input->at < input->len && input->packed[input->at] != 0x1f)
		damage(input, "what follows the packed data was left out");
	return input->failure || input->at == input->len;
}

static size_t unpack_gzip(struct input *input, char *out, size_t size)
{
	z_stream *stream = &input->gzip;
	int r = Z_OK;

	if (!input->inside && input->members && ends_here(input))
		return 0;
	stream->next_in = input->packed + input->at;
	stream->avail_in = (uInt)(input->len - input->at);
	stream->next_out = (Bytef *)out;
	stream->avail_out = (uInt)size;
	if (!input->inside)
		r = inflateReset(stream);
	input->inside = true;
	if (r == Z_OK)
		r = inflate(stream, Z_NO_FLUSH);
	input->at = input->len - stream->avail_in;
	if (r == Z_STREAM_END) {
		input->inside = false;
		input->members = true;
	} else if (r != Z_OK && r != Z_BUF_ERROR) {
		damage(input, "the packed data are damaged");
	}
	return size - stream->avail_out;
}

static size_t unpack_zstd(struct input *input, void *out, size_t size)
{
	ZSTD_inBuffer in = {input->packed, input->len, input->at};
	ZSTD_outBuffer into = {out, size, 0};
	size_t r = ZSTD_decompressStream(input->zstd, &into, &in);

	input->at = in.pos;
	input->inside = r != 0;
	if (ZSTD_getErrorCode(r) == ZSTD_error_frameParameter_windowTooLarge)
		damage(input, "its window is larger than 128 MiB: pack it again without --long or --ultra");
	else if (ZSTD_isError(r))
		damage(input, "the packed data are damaged");
	return into.pos;
}

/* False at the end. */
static bool refill(struct input *input)
{
	ssize_t got = read_at(input->descriptor, input->place, input->packed, sizeof(input->packed));

	input->at = 0;
	input->len = got > 0 ? (size_t)got : 0;
	input->place += input->len;
	if (got < 0)
		input->failure = strerror(errno);
	else if (got == 0 && input->inside)
		damage(input, "the packed data end too early");
	return got > 0;
}

/* What the library holds back for want of room is asked for before more is read. */
static ssize_t read_packed(struct input *input, char *out, size_t size)
{
	while (!input->failure) {
		size_t got = 0;

		if (input->inside || input->at < input->len)
			got = input->packing == GZIP ? unpack_gzip(input, out, size)
						     : unpack_zstd(input, out, size);
		if (got > 0)
			return (ssize_t)got;
		if (!input->failure && input->at == input->len && !refill(input) && !input->failure)
			return 0;
	}
	return -1;
}

ssize_t input_read(struct input *input, char *out, size_t size)
{
	ssize_t got;

	if (input->packing != PLAIN)
		return read_packed(input, out, size);
	got = read_at(input->descriptor, input->place, out, size);
	if (got < 0)
		input->failure = strerror(errno);
	else
		input->place += (uint64_t)got;
	return got;
}

const char *input_failure(const struct input *input)
{
	return input->failure;
}

bool input_is_damaged(const struct input *input)
{
	return input->damaged;
}

const struct stat *input_stat(const struct input *input)
{
	return &input->stat;
}

bool input_is_packed(const struct input *input)
{
	return input->packing != PLAIN;
}

void input_seek(struct input *input, uint64_t place)
{
	input->place = place;
}

void input_rewind(struct input *input)
{
	input->place = 0;
	input->at = input->len = 0;
	input->inside = input->members = input->damaged = false;
	input->failure = NULL;
	if (input->packing == ZSTD)
		(void)ZSTD_DCtx_reset(input->zstd, ZSTD_reset_session_only);
}

size_t input_peek(const struct input *input, uint64_t place, char *out, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t got = read_at(input->descriptor, place + have, out + have, size - have);

		if (got <= 0)
			break;
		have += (size_t)got;
	}
	return have;
}

uint64_t input_size(const struct input *input)
{
	uint8_t bytes[ZSTD_HEADER_MAX];
	unsigned long long size;

	switch (input->packing) {
	case GZIP:
		if (input->stat.st_size < GZIP_TRAILER ||
		    read_at(input->descriptor, (uint64_t)input->stat.st_size - GZIP_TRAILER, bytes,
			    GZIP_TRAILER) != GZIP_TRAILER)
			return 0;
		return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
		       (uint64_t)bytes[3] << 24;
	case ZSTD:
		if (read_at(input->descriptor, 0, bytes, sizeof(bytes)) != sizeof(bytes))
			return 0;
		size = ZSTD_getFrameContentSize(bytes, sizeof(bytes));
		return size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ? 0 : size;
	case PLAIN:
		break;
	}
	return (uint64_t)input->stat.st_size;
}
