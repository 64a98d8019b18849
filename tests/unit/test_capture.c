/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sound capture files of both formats, from files and pipes. */
#include "../lib/capture_image.h"

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

/* Blocks that hold nothing but their fixed part, and options that end with their block, without an end mark. */
static void test_pcapng_smallest_blocks(void **state)
{
	struct image image = {.big = true};
	struct capture_record record;
	struct capture *capture;
	size_t at;

	(void)state;
	section(&image);
	other_block(&image, 1, "\0\x01\0\0\0\0\0\0", 8, false);
	at = block_begin(&image, 1);
	put(&image, 1, 2);
	put(&image, 0, 6);
	put(&image, 2, 2);
	put(&image, 8, 2);
	put_bytes(&image, "ethernet", 8);
	put(&image, 15, 2);
	put(&image, 0, 2);
	block_end(&image, at, false);
	other_block(&image, 6,
		    "\0\0\0\x01"
		    "\0\0\0\0"
		    "\0\0\0\x02"
		    "\0\0\0\0"
		    "\0\0\0\x07",
		    20, true);
	other_block(&image, 3, "\0\0\0\0", 4, true);
	capture = open_image(&image);
	assert_int_equal(capture_next(capture, &record), 1);
	assert_string_equal(record.interface, "ethernet");
	assert_int_equal(record.time_ns, 2000);
	assert_int_equal(record.wire_len, 7);
	expect(capture, "", 0, 0, 2000);
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
	FILE *stream = fopen(path, "wb");
	struct image image = {.big = false};
	struct capture *capture = NULL;
	struct capture_error error;
	struct capture_record record;
	uint8_t *bytes = calloc(1, LARGE);

	(void)state;
	assert_non_null(stream);
	assert_non_null(bytes);
	section(&image);
	interface(&image, 1, "eth0", 0, 0);
	enhanced(&image, 0, 7, "abc", 3, 3);
	fwrite(image.bytes, 1, image.marks[1], stream);
	for (int i = 0; i < PACKETS; i++)
		fwrite(image.bytes + image.marks[1], 1, image.len - image.marks[1], stream);
	for (int known = 0; known < 2; known++) {
		image.len = 0;
		put(&image, known ? 6 : 0x80000002, 4);
		put(&image, 32 + LARGE, 4);
		put(&image, 0, 12);
		put(&image, LARGE, 4);
		put(&image, LARGE, 4);
		fwrite(image.bytes, 1, image.len, stream);
		fwrite(bytes, 1, LARGE, stream);
		fwrite(image.bytes + 4, 1, 4, stream);
	}
	fclose(stream);
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
		cmocka_unit_test(test_pcapng_smallest_blocks),
		cmocka_unit_test(test_pcapng_custom_blocks_count),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_many_and_large),
	};

	return cmocka_run_group_tests(tests, make_file, close_file);
}
