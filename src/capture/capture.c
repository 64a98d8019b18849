/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/capture.h"

#include "base/cleanup.h"
#include "capture/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC_LEN = 4 };

struct capture {
	const struct source_kind *kind;
	struct source *source;
	struct capture_error error;
	int result; /* of the last capture_next(): what is not 1 stays */
	int64_t last_time_ns;
	uint64_t count;
};

enum format {
	FORMAT_OTHER = 0,
	FORMAT_PCAP,
	FORMAT_PCAP_LONG, /* Alexey Kuznetzov's variant: more fields in front of each packet */
	FORMAT_PCAPNG,
	FORMAT_GZIP,
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

/* Looks at the first bytes and puts them back, since a pipe cannot be rewound. */
static int peek_format(FILE *file, enum format *ret, struct capture_error *error)
{
	uint8_t magic[MAGIC_LEN];
	size_t len;

	errno = 0;
	len = fread(magic, 1, sizeof(magic), file);
	if (ferror(file)) {
		int code = errno ? errno : EIO;

		return refuse(error, -code, "%s", strerror(code));
	}
	if (len == 0)
		return refuse(error, -EINVAL, "the file is empty");
	for (size_t i = len; i > 0; i--)
		if (ungetc(magic[i - 1], file) == EOF)
			return refuse(error, -EIO, "cannot step back to the first byte");
	*ret = format_of(magic, len);
	return 0;
}

static int open_source(FILE *file, struct capture *capture, struct capture_error *error)
{
	enum format format = FORMAT_OTHER;
	int r = peek_format(file, &format, error);

	if (r < 0)
		return r;
	switch (format) {
	case FORMAT_PCAP:
	case FORMAT_PCAP_LONG:
		capture->kind = &source_pcap;
		return pcap_source_open(file, format == FORMAT_PCAP_LONG, &capture->source, error);
	case FORMAT_PCAPNG:
		capture->kind = &source_pcapng;
		return pcapng_source_open(file, &capture->source, error);
	case FORMAT_GZIP:
		return refuse(error, -EINVAL,
			      "compressed with gzip: unpack it first (gunzip -c FILE | ... -)");
	case FORMAT_OTHER:
		break;
	}
	return refuse(error, -EINVAL, "neither a pcap nor a pcapng file");
}

static void close_file(FILE *file)
{
	if (file != stdin)
		fclose(file);
}

int capture_open(const char *path, struct capture **ret, struct capture_error *error)
{
	struct capture *capture CLEANUP_FREE = calloc(1, sizeof(*capture));
	FILE *file;
	int r;

	if (!capture)
		return refuse(error, -ENOMEM, "%s", strerror(ENOMEM));
	file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	if (!file) {
		r = -errno;
		return refuse(error, r, "%s", strerror(-r));
	}
	r = open_source(file, capture, error);
	if (r < 0) {
		close_file(file);
		return r;
	}
	capture->result = 1;
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

int capture_next(struct capture *capture, struct capture_record *ret)
{
	struct capture_record record = {.has_time = true};

	if (capture->result != 1)
		return capture->result;
	capture->result = capture->kind->next(capture->source, &record, &capture->error);
	if (capture->result != 1)
		return capture->result;
	if (record.wire_len < record.len)
		record.wire_len = record.len;
	if (!record.has_time)
		record.time_ns = capture->last_time_ns;
	capture->last_time_ns = record.time_ns;
	record.link = link_of(record.link_type);
	record.number = ++capture->count;
	*ret = record;
	return 1;
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
