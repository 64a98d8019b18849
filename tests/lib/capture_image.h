/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capture files written byte by byte, and the ways to read them back. */
#ifndef OP25B_TESTS_CAPTURE_IMAGE_H
#define OP25B_TESTS_CAPTURE_IMAGE_H

#include "capture/capture.h"

#include "base/moment.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_MAX = 8192, MARKS_MAX = 32 };

/* A file in the making. marks: where each record or block ends; goods: how many packets lie before that mark. */
struct image {
	uint8_t bytes[FILE_MAX];
	size_t len;
	bool big;
	size_t marks[MARKS_MAX];
	size_t goods[MARKS_MAX];
	size_t mark_count;
	size_t packets;
};

static char path[64];
static int file = -1;

/* The files live in memory: some tests write thousands of them. */
static inline int make_file(void **state)
{
	(void)state;
	file = memfd_create("capture", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return file < 0;
}

static inline int close_file(void **state)
{
	(void)state;
	return close(file);
}

static inline void put(struct image *image, uint64_t value, size_t n)
{
	assert_true(image->len + n <= FILE_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t shift = 8 * (image->big ? n - 1 - i : i);

		image->bytes[image->len++] = (uint8_t)(shift < 64 ? value >> shift : 0);
	}
}

static inline void put_bytes(struct image *image, const char *bytes, size_t n)
{
	assert_true(image->len + n <= FILE_MAX);
	memcpy(image->bytes + image->len, bytes, n);
	image->len += n;
}

static inline void put_padded(struct image *image, const char *bytes, size_t n)
{
	put_bytes(image, bytes, n);
	while (image->len % 4 != 0)
		put(image, 0, 1);
}

static inline void mark(struct image *image, bool is_packet)
{
	assert_true(image->mark_count < MARKS_MAX);
	image->packets += is_packet;
	image->marks[image->mark_count] = image->len;
	image->goods[image->mark_count++] = image->packets;
}

/* The last mark at or before `len`; -1 before the first. */
static inline int mark_before(const struct image *image, size_t len)
{
	int found = -1;

	for (size_t i = 0; i < image->mark_count && image->marks[i] <= len; i++)
		found = (int)i;
	return found;
}

/* The classic format. */

static inline void pcap_header(struct image *image, uint32_t magic, uint32_t link_type)
{
	put(image, magic, 4);
	put(image, 2, 2);
	put(image, 4, 2);
	put(image, 0, 8);
	put(image, 65535, 4);
	put(image, link_type, 4);
	mark(image, false);
}

static inline void pcap_record(struct image *image, uint32_t s, uint32_t fraction, const char *bytes,
			       size_t len, uint32_t wire_len)
{
	put(image, s, 4);
	put(image, fraction, 4);
	put(image, len, 4);
	put(image, wire_len, 4);
	put_bytes(image, bytes, len);
	mark(image, true);
}

/* The block format. */

static inline size_t block_begin(struct image *image, uint32_t type)
{
	size_t at = image->len;

	put(image, type, 4);
	put(image, 0, 4);
	return at;
}

static inline void block_end(struct image *image, size_t at, bool is_packet)
{
	size_t end = image->len;
	size_t total = end + 4 - at;

	image->len = at + 4;
	put(image, total, 4);
	image->len = end;
	put(image, total, 4);
	mark(image, is_packet);
}

static inline void section(struct image *image)
{
	size_t at = block_begin(image, 0x0a0d0d0a);

	put(image, 0x1a2b3c4d, 4);
	put(image, 1, 2);
	put(image, 0, 2);
	put(image, UINT64_MAX, 8);
	block_end(image, at, false);
}

/* resolution 0: no such option; offset_s 0: none. */
static inline void interface(struct image *image, uint16_t link_type, const char *name, uint8_t resolution,
			     int64_t offset_s)
{
	size_t at = block_begin(image, 1);

	put(image, link_type, 2);
	put(image, 0, 2);
	put(image, 96, 4);
	if (name) {
		put(image, 2, 2);
		put(image, strlen(name), 2);
		put_padded(image, name, strlen(name));
	}
	if (resolution) {
		put(image, 9, 2);
		put(image, 1, 2);
		put(image, resolution, 1);
		put_padded(image, "", 0);
	}
	if (offset_s) {
		put(image, 14, 2);
		put(image, 8, 2);
		put(image, (uint64_t)offset_s, 8);
	}
	put(image, 0, 4);
	block_end(image, at, false);
}

static inline void enhanced(struct image *image, uint32_t id, uint64_t ticks, const char *bytes, size_t len,
			    uint32_t wire_len)
{
	size_t at = block_begin(image, 6);

	put(image, id, 4);
	put(image, ticks >> 32, 4);
	put(image, (uint32_t)ticks, 4);
	put(image, len, 4);
	put(image, wire_len, 4);
	put_padded(image, bytes, len);
	put(image, 0, 4);
	block_end(image, at, true);
}

static inline void obsolete(struct image *image, uint16_t id, uint64_t ticks, const char *bytes, size_t len)
{
	size_t at = block_begin(image, 2);

	put(image, id, 2);
	put(image, 0xffff, 2);
	put(image, ticks >> 32, 4);
	put(image, (uint32_t)ticks, 4);
	put(image, len, 4);
	put(image, len, 4);
	put_padded(image, bytes, len);
	block_end(image, at, true);
}

static inline void simple(struct image *image, const char *bytes, size_t len, uint32_t wire_len)
{
	size_t at = block_begin(image, 3);

	put(image, wire_len, 4);
	put_padded(image, bytes, len);
	block_end(image, at, true);
}

static inline void other_block(struct image *image, uint32_t type, const char *bytes, size_t len,
			       bool is_packet)
{
	size_t at = block_begin(image, type);

	put_padded(image, bytes, len);
	block_end(image, at, is_packet);
}

/* Reading them. */

static inline void save(const uint8_t *bytes, size_t len)
{
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(pwrite(file, bytes, len, 0), len);
}

static inline struct capture *open_image(const struct image *image)
{
	struct capture *capture = NULL;
	struct capture_error error = {.text = ""};
	int r;

	save(image->bytes, image->len);
	r = capture_open(path, &capture, &error);
	if (r < 0)
		fail_msg("%s", error.text);
	return capture;
}

struct outcome {
	int opened;
	int result;
	size_t packets;
	uint64_t offset;
	char text[CAPTURE_ERROR_MAX];
};

/* Touches every byte of every record, so that a sanitizer sees what is not the capture's. */
static inline struct outcome read_all(const uint8_t *bytes, size_t len)
{
	struct outcome outcome = {.text = ""};
	struct capture *capture = NULL;
	struct capture_error error = {.text = ""};
	struct capture_record record;
	unsigned sum = 0;

	save(bytes, len);
	outcome.opened = capture_open(path, &capture, &error);
	if (outcome.opened < 0) {
		assert_null(capture);
		assert_true(error.text[0] != '\0');
		return outcome;
	}
	while ((outcome.result = capture_next(capture, &record)) == 1) {
		for (size_t i = 0; i < record.len; i++)
			sum += record.bytes[i];
		assert_true(record.wire_len >= record.len);
		assert_int_equal(record.number, ++outcome.packets);
	}
	assert_true(sum < UINT32_MAX);
	assert_int_equal(capture_next(capture, &record), outcome.result);
	outcome.offset = capture_failure(capture)->offset;
	snprintf(outcome.text, sizeof(outcome.text), "%s", capture_failure(capture)->text);
	assert_int_equal(outcome.text[0] != '\0', outcome.result < 0);
	capture_close(capture);
	return outcome;
}

static inline void expect(struct capture *capture, const char *bytes, size_t len, size_t wire_len,
			  int64_t time_ns)
{
	struct capture_record record;
	int r = capture_next(capture, &record);

	if (r < 0)
		fail_msg("%s", capture_failure(capture)->text);
	assert_int_equal(r, 1);
	assert_int_equal(record.len, len);
	assert_memory_equal(record.bytes, bytes, len);
	assert_int_equal(record.wire_len, wire_len);
	assert_int_equal(record.time_ns, time_ns);
}

static inline void expect_end(struct capture *capture)
{
	struct capture_record record;

	assert_int_equal(capture_next(capture, &record), 0);
	assert_int_equal(capture_next(capture, &record), 0);
	capture_close(capture);
}

static inline void pcap_image(struct image *image, uint32_t magic)
{
	pcap_header(image, magic, 1);
	pcap_record(image, 1, 2, "one packet", 10, 60);
	pcap_record(image, 3, 4, "", 0, 0);
	pcap_record(image, 5, 6, "and another", 11, 11);
}

/* Two sections, of either byte order; in each interfaces of two link types and every kind of block. */
static inline void pcapng_image(struct image *image)
{
	for (int big = 0; big < 2; big++) {
		image->big = big;
		section(image);
		interface(image, 1, "eth0", 0, 0);
		other_block(image, 4, "names", 5, false);
		enhanced(image, 0, 1254322800000001, "one packet", 10, 60);
		interface(image, 101, NULL, 9, 0);
		simple(image, "simple", 6, 6);
		enhanced(image, 1, 1254322800000000001, "nanoseconds", 11, 11);
		obsolete(image, 0, 1254322800999999, "obsolete", 8);
		other_block(image, 0x80000001, "somebody's own", 14, false);
	}
}

#endif
