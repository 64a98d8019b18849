/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libpcap reads everything here, record by record. Beside it plain files of sound records, which nearly all are, are
 * read in large pieces without it: a fast path that knows only what is plain, and hands the file back to libpcap at the
 * first record which is not. So libpcap alone says what a header means, what is damaged, and where a file ends.
 */
#include "base/moment.h"
#include "capture/source.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILE_HEADER = 24,
	RECORD_HEADER = 16,
	LONG_RECORD_HEADER = 24,
	PIECE = 64 * 1024, /* stays in the cache of one core */
	GUESS_BYTES_FEW = 128 * 1024,
	GUESS_BYTES = 2 * 1024 * 1024, /* in the first quarter of which the begin of a part is looked for */
	GUESS_RECORDS = 24,            /* that must follow each other */
	GUESS_APART_S = 86400,         /* at most, from one to the next */
};

/* How the records of a file are written; copied into each part. */
struct form {
	int descriptor;
	uint64_t size; /* of the file when it was opened */
	int link_type;
	bool swapped;
	uint32_t fraction_ns; /* the unit behind the seconds */
	uint32_t fractions;   /* of a second */
	uint32_t len_max;     /* longer records are libpcap's affair */
};

struct source {
	pcap_t *pcap; /* NULL in a part */
	size_t record_header;
	uint64_t offset; /* of the next record */
	struct form form;
	bool is_plain;       /* form holds */
	uint64_t begin, end; /* no record that begins at `end` or behind is read */
	uint8_t *piece;
	uint64_t piece_offset;
	size_t piece_len;
};

/* libpcap gives the host's own numbers, which differ from the file's where systems disagreed about them. */
static int file_link_type(int datalink)
{
	return datalink == DLT_RAW ? 101 : datalink;
}

/* Link types in whose packets libpcap turns numbers to this machine's byte order. */
static bool has_numbers_to_turn(int link_type)
{
	switch (link_type) {
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_NFLOG:
	case DLT_USB_LINUX:
	case DLT_USB_LINUX_MMAPPED:
		return true;
	default:
		return false;
	}
}

/* True for a regular file of the format's one version in use, of which libpcap has read the header and nothing more. */
static bool learn_form(FILE *file, pcap_t *pcap, struct form *ret)
{
	uint8_t header[FILE_HEADER];
	struct stat status;
	int descriptor = fileno(file);

	if (descriptor < 0 || fstat(descriptor, &status) < 0 || !S_ISREG(status.st_mode) ||
	    ftello(file) != FILE_HEADER || pread(descriptor, header, sizeof(header), 0) != FILE_HEADER)
		return false;
	*ret = (struct form){
		.descriptor = descriptor,
		.size = (uint64_t)status.st_size,
		.link_type = file_link_type(pcap_datalink(pcap)),
		.swapped = pcap_is_swapped(pcap) != 0,
		.fraction_ns = header[0] == 0x4d || header[3] == 0x4d ? 1 : 1000,
		.len_max = (uint32_t)pcap_snapshot(pcap),
	};
	ret->fractions = (uint32_t)(NSEC_PER_SEC / ret->fraction_ns);
	return pcap_major_version(pcap) == 2 && pcap_minor_version(pcap) == 4 &&
	       !(ret->swapped && has_numbers_to_turn(pcap_datalink(pcap)));
}

int pcap_source_open(FILE *file, bool long_records, struct source **ret, struct capture_error *error)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	struct source *source = calloc(1, sizeof(*source));

	if (!source) {
		(void)source_damaged(error, 0, "out of memory");
		return -ENOMEM;
	}
	source->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!source->pcap) {
		free(source);
		return source_damaged(error, 0, "%s", text);
	}
	source->offset = FILE_HEADER;
	source->end = UINT64_MAX;
	source->record_header = long_records ? LONG_RECORD_HEADER : RECORD_HEADER;
	source->is_plain = !long_records && learn_form(file, source->pcap, &source->form);
	*ret = source;
	return 0;
}

/* ---- plain records ---- */

static uint32_t load32(const struct form *form, const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return form->swapped ? __builtin_bswap32(value) : value;
}

/*
 * The record at `at`, of which `len` bytes are at hand; true when it is whole and nothing in it is odd. Seconds are
 * unsigned, fractions of more than 31 bits are left to libpcap.
 */
static bool read_plain(const struct form *form, const uint8_t *at, size_t len, struct capture_record *ret)
{
	uint32_t fraction, size;

	if (len < RECORD_HEADER)
		return false;
	fraction = load32(form, at + 4);
	size = load32(form, at + 8);
	if (size > form->len_max || size > len - RECORD_HEADER || fraction > INT32_MAX)
		return false;
	*ret = (struct capture_record){
		.bytes = at + RECORD_HEADER,
		.len = size,
		.wire_len = load32(form, at + 12),
		.time_ns = (int64_t)load32(form, at) * NSEC_PER_SEC + (int64_t)fraction * form->fraction_ns,
		.has_time = true,
		.link_type = form->link_type,
	};
	return true;
}

static int take_plain(struct source *source, struct capture_record *records, size_t max)
{
	size_t at = (size_t)(source->offset - source->piece_offset), n = 0;

	if (source->offset < source->piece_offset || at > source->piece_len)
		return 0;
	while (n < max && source->piece_offset + at < source->end &&
	       read_plain(&source->form, source->piece + at, source->piece_len - at, &records[n]))
		at += RECORD_HEADER + records[n++].len;
	source->offset = source->piece_offset + at;
	return (int)n;
}

/* The piece that begins at the next record; none when it cannot be read, which libpcap will find out, too. */
static void load_piece(struct source *source)
{
	ssize_t got;

	if (!source->piece)
		source->piece = malloc(PIECE);
	got = source->piece ? pread(source->form.descriptor, source->piece, PIECE, (off_t)source->offset) : 0;
	source->piece_offset = source->offset;
	source->piece_len = got > 0 ? (size_t)got : 0;
}

/* How long the record at `at` is, if it is plain and in that second; 0: it is not, or has no bytes. */
static size_t run_length(const struct form *form, const uint8_t *at, size_t len, uint32_t second)
{
	uint32_t header[3];

	if (len < RECORD_HEADER)
		return 0;
	memcpy(header, at, sizeof(header));
	if (header[0] != second || header[1] >= form->fractions || header[2] > form->len_max ||
	    header[2] > len - RECORD_HEADER)
		return 0;
	return header[2];
}

static size_t take_run(struct source *source, struct capture_run *ret)
{
	size_t at = (size_t)(source->offset - source->piece_offset), len = source->piece_len, stop = len,
	       n = 0;
	uint32_t second;

	if (source->offset < source->piece_offset || at > len || len - at < RECORD_HEADER)
		return 0;
	if (source->end - source->piece_offset < stop)
		stop = (size_t)(source->end - source->piece_offset);
	memcpy(&second, source->piece + at, sizeof(second));
	while (n < CAPTURE_RUN && at < stop) {
		size_t size = run_length(&source->form, source->piece + at, len - at, second);

		if (size == 0)
			break;
		ret->bytes[n] = source->piece + at + RECORD_HEADER;
		ret->len[n++] = (uint32_t)size;
		at += RECORD_HEADER + size;
	}
	ret->second = second;
	source->offset = source->piece_offset + at;
	return n;
}

static int next_plain(struct source *source, struct capture_record *records, size_t max)
{
	int n;

	if (source->offset >= source->end)
		return 0;
	n = take_plain(source, records, max);
	if (n > 0)
		return n;
	load_piece(source);
	return take_plain(source, records, max);
}

size_t pcap_source_run(struct source *source, struct capture_run *ret)
{
	size_t n;

	if (!source->is_plain || source->form.swapped || source->offset >= source->end)
		return 0;
	n = take_run(source, ret);
	if (n > 0)
		return n;
	load_piece(source);
	return take_run(source, ret);
}

void pcap_source_run_record(const struct source *source, const uint8_t *bytes, struct capture_record *ret)
{
	const uint8_t *at = bytes - RECORD_HEADER;

	(void)read_plain(&source->form, at, source->piece_len - (size_t)(at - source->piece), ret);
}

int pcap_source_link_type(const struct source *source)
{
	return source->form.link_type;
}

/* ---- by libpcap ---- */

/* Where the last record began is known before libpcap reads it; how long it was in the file only the file's position tells. */
static void step(struct source *source, size_t len)
{
	off_t position = ftello(pcap_file(source->pcap));

	source->offset = position >= 0 ? (uint64_t)position : source->offset + source->record_header + len;
}

/* The file's seconds are unsigned, which libpcap forgets: without the cast, times from 2038 on would be negative. */
static int next_by_libpcap(struct source *source, struct capture_record *ret, struct capture_error *error)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int r;

	if (source->is_plain && fseeko(pcap_file(source->pcap), (off_t)source->offset, SEEK_SET) < 0)
		return source_damaged(error, source->offset, "%s", strerror(errno));
	r = pcap_next_ex(source->pcap, &header, &bytes);
	if (r == PCAP_ERROR_BREAK)
		return 0;
	if (r != 1)
		return source_damaged(error, source->offset, "%s", pcap_geterr(source->pcap));
	step(source, header->caplen);
	*ret = (struct capture_record){
		.bytes = bytes,
		.len = header->caplen,
		.wire_len = header->len,
		.time_ns = (int64_t)(uint32_t)header->ts.tv_sec * NSEC_PER_SEC + header->ts.tv_usec,
		.has_time = true,
		.link_type = file_link_type(pcap_datalink(source->pcap)),
	};
	return 1;
}

static int next(struct source *source, struct capture_record *records, size_t max,
		struct capture_error *error)
{
	int n = source->is_plain ? next_plain(source, records, max) : 0;

	if (n > 0)
		return n;
	if (source->pcap)
		return next_by_libpcap(source, records, error);
	if (source->offset >= source->end || source->offset == source->form.size)
		return 0;
	(void)source_damaged(error, source->offset, "not a plain record");
	return -ENOTSUP;
}

static void close_source(struct source *source)
{
	if (source->pcap)
		pcap_close(source->pcap);
	free(source->piece);
	free(source);
}

const struct source_kind source_pcap = {.next = next, .close = close_source};

/* ---- parts ---- */

/* Sound, of some length, and not far in time from the one before it: zeros must not pass, nor what packets carry. */
static bool may_follow(const struct capture_record *record, const struct capture_record *before)
{
	int64_t apart_s = (record->time_ns - before->time_ns) / NSEC_PER_SEC;

	return record->len > 0 && record->wire_len >= record->len && apart_s <= GUESS_APART_S &&
	       apart_s >= -GUESS_APART_S;
}

/* True when records seem to follow each other from `at` on: so many of them, or up to the last bytes at hand. */
static bool seems_begin(const struct form *form, const uint8_t *bytes, size_t len, size_t at)
{
	struct capture_record record = {0}, before;
	int found = 0;

	while (found < GUESS_RECORDS && read_plain(form, bytes + at, len - at, &record)) {
		if (found++ == 0)
			before = record;
		if (!may_follow(&record, &before))
			return false;
		before = record;
		at += RECORD_HEADER + record.len;
	}
	return found == GUESS_RECORDS;
}

/* The first place from `begin` on where records seem to begin, going by some bytes of them; false when there is none in sight. */
static bool guess_within(const struct form *form, uint64_t begin, size_t bytes_max, uint64_t *ret)
{
	uint8_t *bytes = malloc(bytes_max);
	ssize_t got = bytes ? pread(form->descriptor, bytes, bytes_max, (off_t)begin) : 0;
	size_t len = got > 0 ? (size_t)got : 0, at = 0;

	while (at < bytes_max / 4 && at < len && !seems_begin(form, bytes, len, at))
		at++;
	free(bytes);
	if (at >= bytes_max / 4 || at >= len)
		return false;
	*ret = begin + at;
	return true;
}

/* Most records are short; `begin` itself when records cannot be made out. */
static uint64_t guess_begin(const struct form *form, uint64_t begin)
{
	uint64_t found = begin;

	if (!guess_within(form, begin, GUESS_BYTES_FEW, &found))
		(void)guess_within(form, begin, GUESS_BYTES, &found);
	return found;
}

int pcap_source_part(const struct source *whole, uint64_t begin, uint64_t end, struct source **ret)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->form = whole->form;
	source->is_plain = true;
	source->begin = begin <= FILE_HEADER ? FILE_HEADER : guess_begin(&whole->form, begin);
	source->offset = source->begin;
	source->end = end;
	*ret = source;
	return 0;
}

uint64_t pcap_source_size(const struct source *source)
{
	return source->is_plain ? source->form.size : 0;
}

uint64_t pcap_source_begin(const struct source *source)
{
	return source->begin;
}

uint64_t pcap_source_position(const struct source *source)
{
	return source->offset;
}

const char *capture_link_name(int link_type)
{
	return pcap_datalink_val_to_name(link_type == 101 ? DLT_RAW : link_type);
}
