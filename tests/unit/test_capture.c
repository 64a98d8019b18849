/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capture files that the test writes byte by byte, sound ones and damaged ones, in a directory of its own. */
#include "capture/capture.h"

#include "base/moment.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static char directory[64];
static char path[96];

static int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/op25b-test-capture-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/file", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void put(struct image *image, uint64_t value, size_t n)
{
	assert_true(image->len + n <= FILE_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t shift = 8 * (image->big ? n - 1 - i : i);

		image->bytes[image->len++] = (uint8_t)(value >> shift);
	}
}

static void put_bytes(struct image *image, const char *bytes, size_t n)
{
	assert_true(image->len + n <= FILE_MAX);
	memcpy(image->bytes + image->len, bytes, n);
	image->len += n;
}

static void put_padded(struct image *image, const char *bytes, size_t n)
{
	put_bytes(image, bytes, n);
	while (image->len % 4 != 0)
		put(image, 0, 1);
}

static void mark(struct image *image, bool is_packet)
{
	assert_true(image->mark_count < MARKS_MAX);
	image->packets += is_packet;
	image->marks[image->mark_count] = image->len;
	image->goods[image->mark_count++] = image->packets;
}

/* The last mark at or before `len`; -1 before the first. */
static int mark_before(const struct image *image, size_t len)
{
	int found = -1;

	for (size_t i = 0; i < image->mark_count && image->marks[i] <= len; i++)
		found = (int)i;
	return found;
}

/* The classic format. */

static void pcap_header(struct image *image, uint32_t magic, uint32_t link_type)
{
	put(image, magic, 4);
	put(image, 2, 2);
	put(image, 4, 2);
	put(image, 0, 8);
	put(image, 65535, 4);
	put(image, link_type, 4);
	mark(image, false);
}

static void pcap_record(struct image *image, uint32_t s, uint32_t fraction, const char *bytes, size_t len,
			uint32_t wire_len)
{
	put(image, s, 4);
	put(image, fraction, 4);
	put(image, len, 4);
	put(image, wire_len, 4);
	put_bytes(image, bytes, len);
	mark(image, true);
}

/* The block format. */

static size_t block_begin(struct image *image, uint32_t type)
{
	size_t at = image->len;

	put(image, type, 4);
	put(image, 0, 4);
	return at;
}

static void block_end(struct image *image, size_t at, bool is_packet)
{
	size_t end = image->len;
	size_t total = end + 4 - at;

	image->len = at + 4;
	put(image, total, 4);
	image->len = end;
	put(image, total, 4);
	mark(image, is_packet);
}

static void section(struct image *image)
{
	size_t at = block_begin(image, 0x0a0d0d0a);

	put(image, 0x1a2b3c4d, 4);
	put(image, 1, 2);
	put(image, 0, 2);
	put(image, UINT64_MAX, 8);
	block_end(image, at, false);
}

/* resolution 0: no such option; offset_s 0: none. */
static void interface(struct image *image, uint16_t link_type, const char *name, uint8_t resolution,
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

static void enhanced(struct image *image, uint32_t id, uint64_t ticks, const char *bytes, size_t len,
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

static void obsolete(struct image *image, uint16_t id, uint64_t ticks, const char *bytes, size_t len)
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

static void simple(struct image *image, const char *bytes, size_t len, uint32_t wire_len)
{
	size_t at = block_begin(image, 3);

	put(image, wire_len, 4);
	put_padded(image, bytes, len);
	block_end(image, at, true);
}

static void other_block(struct image *image, uint32_t type, const char *bytes, size_t len, bool is_packet)
{
	size_t at = block_begin(image, type);

	put_padded(image, bytes, len);
	block_end(image, at, is_packet);
}

/* Reading them. */

static void save(const uint8_t *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static struct capture *open_image(const struct image *image)
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
static struct outcome read_all(const uint8_t *bytes, size_t len)
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

static void expect(struct capture *capture, const char *bytes, size_t len, size_t wire_len, int64_t time_ns)
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

static void expect_end(struct capture *capture)
{
	struct capture_record record;

	assert_int_equal(capture_next(capture, &record), 0);
	assert_int_equal(capture_next(capture, &record), 0);
	capture_close(capture);
}

static void test_pcap_orders_and_precisions(void **state)
{
	static const struct {
		uint32_t magic;
		int64_t unit_ns;
	} kinds[] = {{0xa1b2c3d4, 1000}, {0xa1b23c4d, 1}};

	(void)state;
	for (int big = 0; big < 2; big++) {
		for (size_t i = 0; i < 2; i++) {
			struct image image = {.big = big};
			struct capture *capture;

			pcap_header(&image, kinds[i].magic, 1);
			pcap_record(&image, 1254322800, 999999, "first", 5, 5);
			pcap_record(&image, 0, 0, "", 0, 60);
			pcap_record(&image, UINT32_MAX, 1, "beyond 2038", 11, 11);
			capture = open_image(&image);
			expect(capture, "first", 5, 5, 1254322800 * NSEC_PER_SEC + 999999 * kinds[i].unit_ns);
			expect(capture, "", 0, 60, 0);
			expect(capture, "beyond 2038", 11, 11, UINT32_MAX * NSEC_PER_SEC + kinds[i].unit_ns);
			expect_end(capture);
		}
	}
}

static void test_pcap_facts(void **state)
{
	static const struct {
		uint32_t link_type;
		enum packet_link link;
	} links[] = {
		{0, PACKET_LINK_NULL},        {1, PACKET_LINK_ETHERNET},     {9, PACKET_LINK_PPP},
		{10, PACKET_LINK_FDDI},       {50, PACKET_LINK_PPP},         {51, PACKET_LINK_PPP_ETHER},
		{101, PACKET_LINK_IP},        {104, PACKET_LINK_CISCO_HDLC}, {108, PACKET_LINK_NULL},
		{113, PACKET_LINK_LINUX_SLL}, {228, PACKET_LINK_IP},         {229, PACKET_LINK_IP6},
		{239, PACKET_LINK_NFLOG},     {276, PACKET_LINK_LINUX_SLL2}, {105, PACKET_LINK_UNKNOWN},
		{147, PACKET_LINK_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct image image = {.big = false};
		struct capture_record record;
		struct capture *capture;

		pcap_header(&image, 0xa1b2c3d4, links[i].link_type);
		pcap_record(&image, 1, 0, "packet!!", 8, 4);
		capture = open_image(&image);
		assert_int_equal(capture_next(capture, &record), 1);
		assert_int_equal(record.link, links[i].link);
		assert_int_equal(record.link_type, links[i].link_type);
		assert_int_equal(record.wire_len, 8);
		assert_true(record.has_time);
		assert_null(record.interface);
		assert_int_equal(record.number, 1);
		expect_end(capture);
	}
	assert_string_equal(capture_link_name(105), "IEEE802_11");
	assert_string_equal(capture_link_name(101), "RAW");
	assert_null(capture_link_name(CAPTURE_LINK_NONE));
}

static void pcap_image(struct image *image, uint32_t magic)
{
	pcap_header(image, magic, 1);
	pcap_record(image, 1, 2, "one packet", 10, 60);
	pcap_record(image, 3, 4, "", 0, 0);
	pcap_record(image, 5, 6, "and another", 11, 11);
}

/* Two sections, of either byte order; in each interfaces of two link types and every kind of block. */
static void pcapng_image(struct image *image)
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

static void expect_record(struct capture *capture, const char *bytes, int64_t time_ns, bool has_time,
			  int link_type, const char *name)
{
	struct capture_record record;

	assert_int_equal(capture_next(capture, &record), 1);
	assert_int_equal(record.len, strlen(bytes));
	assert_memory_equal(record.bytes, bytes, record.len);
	assert_int_equal(record.time_ns, time_ns);
	assert_int_equal(record.has_time, has_time);
	assert_int_equal(record.link_type, link_type);
	if (name)
		assert_string_equal(record.interface, name);
	else
		assert_null(record.interface);
}

static void test_pcapng_sections(void **state)
{
	struct image image = {.big = false};
	struct capture *capture;

	(void)state;
	pcapng_image(&image);
	capture = open_image(&image);
	for (int i = 0; i < 2; i++) {
		expect_record(capture, "one packet", 1254322800000001000, true, 1, "eth0");
		expect_record(capture, "simple", 1254322800000001000, false, 1, "eth0");
		expect_record(capture, "nanoseconds", 1254322800000000001, true, 101, NULL);
		expect_record(capture, "obsolete", 1254322800999999000, true, 1, "eth0");
	}
	expect_end(capture);
}

static void test_pcapng_times(void **state)
{
	static const struct {
		uint8_t resolution;
		int64_t offset_s;
		uint64_t ticks;
		int64_t time_ns;
	} rows[] = {
		{0, 0, 1500000, 1500000000},
		{6, 0, 1500000, 1500000000},
		{3, 0, 1500, 1500000000},
		{9, 0, 1500000001, 1500000001},
		{12, 0, 1500000001999, 1500000001},
		{19, 0, 15000000000000000000U, 1500000000},
		{6, 1254322800, 500000, 1254322800500000000},
		{6, -1, 1500000, 500000000},
		{6, -2, 1500000, -500000000},
		{0x80, 0, 3, 3000000000},
		{0x81, 0, 3, 1500000000},
		{0x8a, 0, 1536, 1500000000},
		{0xa0, 0, UINT64_C(6442450944), 1500000000},
		{0xbf, 0, UINT64_C(13835058055282163712), 1500000000},
		{6, INT64_MAX, 1000000, INT64_MAX},
		{6, INT64_MIN, 1000000, INT64_MIN},
		{0x80, 0, UINT64_MAX, INT64_MAX},
		{3, 0, UINT64_MAX, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image image = {.big = i % 2};
		struct capture *capture;

		section(&image);
		interface(&image, 1, NULL, rows[i].resolution, rows[i].offset_s);
		enhanced(&image, 0, rows[i].ticks, "x", 1, 1);
		capture = open_image(&image);
		expect(capture, "x", 1, 1, rows[i].time_ns);
		expect_end(capture);
	}
}

/* The snapshot length, 96 here, cuts simple packets, which say only how long they were. */
static void test_pcapng_simple_cut(void **state)
{
	struct image image = {.big = true};
	char bytes[96] = "cut";
	struct capture *capture;

	(void)state;
	section(&image);
	interface(&image, 1, "a", 0, 0);
	simple(&image, bytes, sizeof(bytes), 1500);
	capture = open_image(&image);
	expect(capture, bytes, 96, 1500, 0);
	expect_end(capture);
}

static void test_pcapng_custom_blocks_count(void **state)
{
	static const uint32_t types[] = {0x00000bad, 0x40000bad, 9};
	struct image image = {.big = false};
	struct capture_record record;
	struct capture *capture;

	(void)state;
	section(&image);
	for (size_t i = 0; i < 3; i++)
		other_block(&image, types[i], "\0\0\x7e\xd9 what", 8, true);
	capture = open_image(&image);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(capture_next(capture, &record), 1);
		assert_int_equal(record.link, PACKET_LINK_UNKNOWN);
		assert_int_equal(record.link_type, CAPTURE_LINK_NONE);
		assert_false(record.has_time);
	}
	expect_end(capture);
}

/* Every packet before the damage, no packet after it, and the place: the record or block that is not whole. */
static void check_cut(const struct image *image, size_t len, size_t open_min)
{
	struct outcome outcome = read_all(image->bytes, len);
	int before = mark_before(image, len);

	if (len < open_min) {
		assert_true(outcome.opened < 0);
		return;
	}
	assert_int_equal(outcome.opened, 0);
	assert_int_equal(outcome.packets, before < 0 ? 0 : image->goods[before]);
	if (before >= 0 && image->marks[before] == len) {
		assert_int_equal(outcome.result, 0);
		return;
	}
	assert_int_equal(outcome.result, -EBADMSG);
	assert_int_equal(outcome.offset, before < 0 ? 0 : image->marks[before]);
}

static void test_cut_at_every_byte(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct image image = {.big = big};

		pcap_image(&image, 0xa1b2c3d4);
		for (size_t len = 0; len <= image.len; len++)
			check_cut(&image, len, 24);
	}
	{
		struct image image = {.big = false};

		pcapng_image(&image);
		for (size_t len = 0; len <= image.len; len++)
			check_cut(&image, len, 4);
	}
}

/* Whatever a byte is changed into: an end, an error or other packets, but no more than there can be. */
static void test_every_byte_damaged(void **state)
{
	static const uint8_t changes[] = {0x01, 0x80, 0xff};
	struct image images[2] = {{.big = false}, {.big = true}};

	(void)state;
	pcapng_image(&images[0]);
	pcap_image(&images[1], 0xa1b23c4d);
	for (size_t i = 0; i < 2; i++) {
		struct image *image = &images[i];

		for (size_t at = 0; at < image->len; at++) {
			for (size_t c = 0; c < sizeof(changes); c++) {
				int before = mark_before(image, at);
				struct outcome outcome;

				image->bytes[at] ^= changes[c];
				outcome = read_all(image->bytes, image->len);
				image->bytes[at] ^= changes[c];
				if (outcome.opened == 0 && i == 0 && before >= 0)
					assert_true(outcome.packets >= image->goods[before]);
				assert_true(outcome.packets <= image->len / 12);
			}
		}
	}
}

static void break_at(const struct image *image, size_t at, uint8_t value, const char *text)
{
	struct image broken = *image;
	struct outcome outcome;

	broken.bytes[at] = value;
	outcome = read_all(broken.bytes, broken.len);
	assert_int_equal(outcome.opened, 0);
	assert_int_equal(outcome.result, -EBADMSG);
	if (!strstr(outcome.text, text))
		fail_msg("'%s' does not say '%s'", outcome.text, text);
}

/* Little-endian: a section of 28 bytes, an interface of 32 (name "ab"), a packet of 40. */
static void test_pcapng_damage_is_named(void **state)
{
	struct image image = {.big = false};

	(void)state;
	section(&image);
	interface(&image, 1, "ab", 0, 0);
	enhanced(&image, 0, 1, "abcd", 4, 4);
	assert_int_equal(image.len, 28 + 32 + 40);
	break_at(&image, 4, 29, "impossible length 29");
	break_at(&image, 4, 12, "impossible length 12");
	break_at(&image, 8, 0, "byte-order mark");
	break_at(&image, 12, 2, "version 2.0");
	break_at(&image, 24, 32, "lengths differ: 28 and 32");
	break_at(&image, 32, 16, "lengths differ: 16 and");
	break_at(&image, 28 + 18, 77, "option of 77 bytes");
	break_at(&image, 60 + 4, 41, "impossible length 41");
	break_at(&image, 60 + 7, 2, "more than the limit");
	break_at(&image, 60 + 8, 1, "interface 1, of which the section has only 1");
	break_at(&image, 60 + 20, 9, "packet of 9 bytes");
}

static void test_pcapng_resolution_out_of_range(void **state)
{
	static const uint8_t resolutions[] = {20, 0x7f, 0xc0, 0xff};

	(void)state;
	for (size_t i = 0; i < sizeof(resolutions); i++) {
		struct image image = {.big = false};
		struct outcome outcome;

		section(&image);
		interface(&image, 1, "a", resolutions[i], 0);
		outcome = read_all(image.bytes, image.len);
		assert_int_equal(outcome.result, -EBADMSG);
		assert_non_null(strstr(outcome.text, "timestamps finer"));
	}
}

/* The offset of damage counts records, also those with the longer headers of one old variant. */
static void test_pcap_damage_is_placed(void **state)
{
	struct image image = {.big = false};
	struct outcome outcome;

	(void)state;
	pcap_image(&image, 0xa1b2c3d4);
	image.bytes[24 + 26 + 16 + 11] = 0x7f; /* the third record's captured length */
	outcome = read_all(image.bytes, image.len);
	assert_int_equal(outcome.packets, 2);
	assert_int_equal(outcome.result, -EBADMSG);
	assert_int_equal(outcome.offset, 24 + 26 + 16);

	image = (struct image){.big = true};
	pcap_header(&image, 0xa1b2cd34, 1);
	put(&image, 1, 4);
	put(&image, 2, 4);
	put(&image, 4, 4);
	put(&image, 4, 4);
	put(&image, 0, 8);
	put_bytes(&image, "abcd!", 5);
	outcome = read_all(image.bytes, image.len);
	assert_int_equal(outcome.packets, 1);
	assert_int_equal(outcome.offset, 24 + 24 + 4);
}

static void refused(const char *bytes, size_t len, int code, const char *text)
{
	struct capture *capture = NULL;
	struct capture_error error;

	save((const uint8_t *)bytes, len);
	assert_int_equal(capture_open(path, &capture, &error), code);
	assert_null(capture);
	if (!strstr(error.text, text))
		fail_msg("'%s' does not say '%s'", error.text, text);
}

static void test_no_capture(void **state)
{
	struct capture *capture = NULL;
	struct capture_error error;

	(void)state;
	refused("", 0, -EINVAL, "empty");
	refused("x", 1, -EINVAL, "neither");
	refused("\x0a\x0d\x0d", 3, -EINVAL, "neither");
	refused("Date: today\n", 12, -EINVAL, "neither");
	refused("\x1f\x8b\x08\x00", 4, -EINVAL, "gzip");
	refused("\xd4\xc3\xb2\xa1\x02\x00", 6, -EBADMSG, "truncated");
	assert_int_equal(capture_open("/nonexistent/file", &capture, &error), -ENOENT);
	assert_int_equal(capture_open(directory, &capture, &error), -EISDIR);
	assert_null(capture);
	capture_close(NULL);
}

/* A pipe, which cannot be rewound, as standard input; bytes come one at a time. */
static void read_from_pipe(const struct image *image)
{
	struct capture *capture = NULL;
	struct capture_error error;
	struct capture_record record;
	int ends[2], status, saved = dup(STDIN_FILENO);
	size_t packets = 0;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		for (size_t i = 0; i < image->len; i++)
			if (write(ends[1], image->bytes + i, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	clearerr(stdin);
	assert_int_equal(capture_open("-", &capture, &error), 0);
	while (capture_next(capture, &record) == 1)
		packets++;
	assert_int_equal(packets, image->packets);
	assert_string_equal(capture_failure(capture)->text, "");
	capture_close(capture);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
}

static void test_pipe(void **state)
{
	struct image image = {.big = true};

	(void)state;
	pcap_image(&image, 0xa1b2c3d4);
	read_from_pipe(&image);
	image = (struct image){.big = false};
	pcapng_image(&image);
	read_from_pipe(&image);
}

/* More than one read and one buffer's worth, and blocks at the limit. */
static void test_many_and_large(void **state)
{
	enum { PACKETS = 3000, LARGE = 200000 };
	FILE *file = fopen(path, "wb");
	struct image image = {.big = false};
	struct capture *capture = NULL;
	struct capture_error error;
	struct capture_record record;
	uint8_t *bytes = calloc(1, LARGE);

	(void)state;
	assert_non_null(file);
	assert_non_null(bytes);
	section(&image);
	interface(&image, 1, "eth0", 0, 0);
	enhanced(&image, 0, 7, "abc", 3, 3);
	fwrite(image.bytes, 1, image.marks[1], file);
	for (int i = 0; i < PACKETS; i++)
		fwrite(image.bytes + image.marks[1], 1, image.len - image.marks[1], file);
	for (int known = 0; known < 2; known++) {
		image.len = 0;
		put(&image, known ? 6 : 0x80000002, 4);
		put(&image, 32 + LARGE, 4);
		put(&image, 0, 12);
		put(&image, LARGE, 4);
		put(&image, LARGE, 4);
		fwrite(image.bytes, 1, image.len, file);
		fwrite(bytes, 1, LARGE, file);
		fwrite(image.bytes + 4, 1, 4, file);
	}
	fclose(file);
	free(bytes);
	assert_int_equal(capture_open(path, &capture, &error), 0);
	for (int i = 0; i < PACKETS; i++)
		expect(capture, "abc", 3, 3, 7000);
	assert_int_equal(capture_next(capture, &record), 1);
	assert_int_equal(record.len, LARGE);
	assert_int_equal(record.number, PACKETS + 1);
	expect_end(capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap_orders_and_precisions),
		cmocka_unit_test(test_pcap_facts),
		cmocka_unit_test(test_pcapng_sections),
		cmocka_unit_test(test_pcapng_times),
		cmocka_unit_test(test_pcapng_simple_cut),
		cmocka_unit_test(test_pcapng_custom_blocks_count),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_every_byte_damaged),
		cmocka_unit_test(test_pcapng_damage_is_named),
		cmocka_unit_test(test_pcapng_resolution_out_of_range),
		cmocka_unit_test(test_pcap_damage_is_placed),
		cmocka_unit_test(test_no_capture),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_many_and_large),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
