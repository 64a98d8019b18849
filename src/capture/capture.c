/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/capture.h"

#include "base/cleanup.h"
#include "capture/source.h"
#include "capture/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAGIC_LEN = 4 };

struct capture {
	const struct source_kind *kind;
	struct source *source;
	struct capture_error error;
	int result; /* of the last capture_next(): what is not 1 stays */
	int64_t last_time_ns;
	uint64_t count;
	int link_type; /* of the last record, and what it stands for */
	enum packet_link link;
	struct unpacker *unpacker; /* of the source's stream; NULL when nothing was packed */
};

enum format {
	FORMAT_OTHER = 0,
	FORMAT_PCAP,
	FORMAT_PCAP_LONG, /* Alexey Kuznetzov's variant: more fields in front of each packet */
	FORMAT_PCAPNG,
	FORMAT_GZIP,
	FORMAT_ZSTD,
};

static const struct {
	uint8_t magic[MAGIC_LEN];
	size_t len;
	enum format format;
} formats[] = {
	{{0xa1, 0xb2, 0xc3, 0xd4}, 4, FORMAT_PCAP},      {{0xd4, 0xc3, 0xb2, 0xa1}, 4, FORMAT_PCAP},
	{{0xa1, 0xb2, 0x3c, 0x4d}, 4, FORMAT_PCAP},      {{0x4d, 0x3c, 0xb2, 0xa1}, 4, FORMAT_PCAP},
	{{0xa1, 0xb2, 0xcd, 0x34}, 4, FORMAT_PCAP_LONG}, {{0x34, 0xcd, 0xb2, 0xa1}, 4, FORMAT_PCAP_LONG},
	{{0x0a, 0x0d, 0x0d, 0x0a}, 4, FORMAT_PCAPNG},    {{0x1f, 0x8b}, 2, FORMAT_GZIP},
	{{0x28, 0xb5, 0x2f, 0xfd}, 4, FORMAT_ZSTD},
};

/* Numbers 12 and 14 are what some systems wrote for 101 (RAW). */
static const struct {
	int link_type;
	enum packet_link link;
} links[] = {
	/* clang-format off */
	{0, PACKET_LINK_NULL},
	{1, PACKET_LINK_ETHERNET},
	{9, PACKET_LINK_PPP},
	{10, PACKET_LINK_FDDI},
	{12, PACKET_LINK_IP},
	{14, PACKET_LINK_IP},
	{50, PACKET_LINK_PPP},
	{51, PACKET_LINK_PPP_ETHER},
	{101, PACKET_LINK_IP},
	{104, PACKET_LINK_CISCO_HDLC},
	{108, PACKET_LINK_NULL},
	{113, PACKET_LINK_LINUX_SLL},
	{228, PACKET_LINK_IP},
	{229, PACKET_LINK_IP6},
	{239, PACKET_LINK_NFLOG},
	{276, PACKET_LINK_LINUX_SLL2},
	/* clang-format on */
};

__attribute__((format(printf, 3, 0))) static void write_error(struct capture_error *error, uint64_t offset,
							      const char *format, va_list arguments)
{
	error->offset = offset;
	error->unpacked = false;
	vsnprintf(error->text, sizeof(error->text), format, arguments);
}

int source_damaged(struct capture_error *error, uint64_t offset, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_error(error, offset, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

/* Returns `code`, a negative errno, for the caller to forward. */
__attribute__((format(printf, 3, 4))) static int refuse(struct capture_error *error, int code,
							const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_error(error, 0, format, arguments);
	va_end(arguments);
	return code;
}

static enum format format_of(const uint8_t *magic, size_t len)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (len >= formats[i].len && memcmp(magic, formats[i].magic, formats[i].len) == 0)
			return formats[i].format;
	return FORMAT_OTHER;
}

static void close_descriptor(int descriptor)
{
	if (descriptor != STDIN_FILENO)
		close(descriptor);
}

/* The first bytes of a file, from where its descriptor stands. */
static int read_magic(int descriptor, uint8_t magic[MAGIC_LEN], size_t *ret_len, struct capture_error *error)
{
	size_t len = 0;
	ssize_t got = 1;

	while (len < MAGIC_LEN && got > 0) {
		got = read(descriptor, magic + len, MAGIC_LEN - len);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			return refuse(error, -errno, "%s", strerror(errno));
		else
			len += (size_t)got;
	}
	if (len == 0)
		return refuse(error, -EINVAL, "the file is empty");
	*ret_len = len;
	return 0;
}

/* The same of a stream, which gets them back. */
static int peek_format(FILE *file, enum format *ret, struct capture_error *error)
{
	uint8_t magic[MAGIC_LEN];
	size_t len = fread(magic, 1, sizeof(magic), file);

	if (len == 0)
		return refuse(error, -EINVAL, "the file is empty");
	for (size_t i = len; i > 0; i--)
		if (ungetc(magic[i - 1], file) == EOF)
			return refuse(error, -EIO, "cannot step back to the first byte");
	*ret = format_of(magic, len);
	return 0;
}

static int open_format(FILE *file, enum format format, struct capture *capture, struct capture_error *error)
{
	switch (format) {
	case FORMAT_PCAP:
	case FORMAT_PCAP_LONG:
		capture->kind = &source_pcap;
		return pcap_source_open(file, format == FORMAT_PCAP_LONG, &capture->source, error);
	case FORMAT_PCAPNG:
		capture->kind = &source_pcapng;
		return pcapng_source_open(file, &capture->source, error);
	case FORMAT_GZIP:
	case FORMAT_ZSTD:
		return refuse(error, -EINVAL, "packed twice: unpack it once first");
	case FORMAT_OTHER:
		break;
	}
	return refuse(error, -EINVAL, "neither a pcap nor a pcapng file");
}

/* A reader of the unpacked stream knows only that it could not read on; the unpacker knows why. True when it does. */
static bool tell_unpacker(const struct capture *capture, struct capture_error *error)
{
	const char *failure = capture->unpacker ? unpack_failure(capture->unpacker) : NULL;
	uint64_t offset = error->offset;

	if (failure)
		(void)source_damaged(error, offset, "the %s data are damaged: %s",
				     unpack_name(capture->unpacker), failure);
	return failure != NULL;
}

static int open_unpacked(FILE *stream, struct capture *capture, struct capture_error *error)
{
	enum format format = FORMAT_OTHER;
	int r = peek_format(stream, &format, error);

	if (r == 0)
		r = open_format(stream, format, capture, error);
	if (r < 0) {
		error->offset = 0;
		if (tell_unpacker(capture, error))
			r = -EINVAL;
	}
	error->unpacked = true;
	return r;
}

/* Packed data and pipes: the descriptor is the stream's, and that the source's from success on; closed on failure. */
static int open_stream(int descriptor, const uint8_t *magic, size_t len, struct capture *capture,
		       struct capture_error *error)
{
	enum format format = format_of(magic, len);
	enum unpack_kind kind = format == FORMAT_GZIP   ? UNPACK_GZIP
				: format == FORMAT_ZSTD ? UNPACK_ZSTD
							: UNPACK_NOTHING;
	struct unpacker *unpacker;
	FILE *stream = NULL;
	int r = unpack_open(descriptor, magic, len, kind, &stream, &unpacker);

	if (r < 0) {
		close_descriptor(descriptor);
		return refuse(error, r, "%s", strerror(-r));
	}
	capture->unpacker = kind == UNPACK_NOTHING ? NULL : unpacker;
	r = capture->unpacker ? open_unpacked(stream, capture, error)
			      : open_format(stream, format, capture, error);
	if (r < 0)
		fclose(stream);
	return r;
}

/* Where one can step back the reader gets the file itself. */
static int open_file(int descriptor, const uint8_t *magic, size_t len, struct capture *capture,
		     struct capture_error *error)
{
	FILE *file = descriptor == STDIN_FILENO ? stdin : fdopen(descriptor, "rb");
	int r;

	if (!file) {
		close(descriptor);
		return refuse(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	r = open_format(file, format_of(magic, len), capture, error);
	if (r < 0 && file != stdin)
		fclose(file);
	return r;
}

/* The descriptor is the source's from success on, and closed on failure. */
static int open_source(int descriptor, struct capture *capture, struct capture_error *error)
{
	uint8_t magic[MAGIC_LEN];
	enum format format;
	size_t len = 0;
	int r = read_magic(descriptor, magic, &len, error);

	if (r < 0) {
		close_descriptor(descriptor);
		return r;
	}
	format = format_of(magic, len);
	if (format != FORMAT_GZIP && format != FORMAT_ZSTD && lseek(descriptor, -(off_t)len, SEEK_CUR) >= 0)
		return open_file(descriptor, magic, len, capture, error);
	return open_stream(descriptor, magic, len, capture, error);
}

int capture_open(const char *path, struct capture **ret, struct capture_error *error)
{
	struct capture *capture CLEANUP_FREE = calloc(1, sizeof(*capture));
	int descriptor, r;

	if (!capture)
		return refuse(error, -ENOMEM, "%s", strerror(ENOMEM));
	descriptor = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0) {
		r = -errno;
		return refuse(error, r, "%s", strerror(-r));
	}
	r = open_source(descriptor, capture, error);
	if (r < 0)
		return r;
	capture->result = 1;
	capture->link_type = CAPTURE_LINK_NONE; /* and link is 0: unknown */
	*ret = TAKE_PTR(capture);
	return 0;
}

static enum packet_link link_of(int link_type)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].link_type == link_type)
			return links[i].link;
	return PACKET_LINK_UNKNOWN;
}

/* Looked up when it is another than the last time. */
static enum packet_link link_of_type(struct capture *capture, int link_type)
{
	if (link_type != capture->link_type) {
		capture->link_type = link_type;
		capture->link = link_of(link_type);
	}
	return capture->link;
}

/* What the formats have in common. */
static void complete(struct capture *capture, struct capture_record *record)
{
	if (record->wire_len < record->len)
		record->wire_len = record->len;
	if (!record->has_time)
		record->time_ns = capture->last_time_ns;
	capture->last_time_ns = record->time_ns;
	record->link = link_of_type(capture, record->link_type);
	record->number = ++capture->count;
}

int capture_next_many(struct capture *capture, struct capture_record *records, size_t max)
{
	if (capture->result < 1)
		return capture->result;
	capture->result = capture->kind->next(capture->source, records, max, &capture->error);
	for (int i = 0; i < capture->result; i++)
		complete(capture, &records[i]);
	if (capture->result < 0 && capture->unpacker) {
		(void)tell_unpacker(capture, &capture->error);
		capture->error.unpacked = true;
	}
	return capture->result;
}

size_t capture_next_run(struct capture *capture, struct capture_run *ret)
{
	if (capture->result < 1 || capture->kind != &source_pcap)
		return 0;
	ret->count = pcap_source_run(capture->source, ret);
	ret->link = link_of_type(capture, pcap_source_link_type(capture->source));
	ret->before = capture->count;
	capture->count += ret->count;
	return ret->count;
}

void capture_run_record(const struct capture *capture, const struct capture_run *run, size_t at,
			struct capture_record *ret)
{
	pcap_source_run_record(capture->source, run->bytes[at], ret);
	if (ret->wire_len < ret->len)
		ret->wire_len = ret->len;
	ret->link = run->link;
	ret->number = run->before + at + 1;
}

int capture_next(struct capture *capture, struct capture_record *ret)
{
	struct capture_record record;
	int r = capture_next_many(capture, &record, 1);

	if (r == 1)
		*ret = record;
	return r;
}

uint64_t capture_size(const struct capture *capture)
{
	return capture->kind == &source_pcap ? pcap_source_size(capture->source) : 0;
}

int capture_open_part(const struct capture *whole, uint64_t begin, uint64_t end, struct capture **ret)
{
	struct capture *capture CLEANUP_FREE = NULL;
	int r;

	if (capture_size(whole) == 0)
		return -ENOTSUP;
	capture = calloc(1, sizeof(*capture));
	if (!capture)
		return -ENOMEM;
	capture->kind = whole->kind;
	r = pcap_source_part(whole->source, begin, end, &capture->source);
	if (r < 0)
		return r;
	capture->result = 1;
	capture->link_type = CAPTURE_LINK_NONE;
	*ret = TAKE_PTR(capture);
	return 0;
}

uint64_t capture_begin(const struct capture *part)
{
	return pcap_source_begin(part->source);
}

uint64_t capture_position(const struct capture *part)
{
	return pcap_source_position(part->source);
}

const struct capture_error *capture_failure(const struct capture *capture)
{
	return &capture->error;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	capture->kind->close(capture->source);
	free(capture);
}
