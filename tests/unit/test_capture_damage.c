/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capture files cut and changed at every byte, and files that are no captures. */
#include "../lib/capture_image.h"

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
	assert_int_equal(capture_open("/", &capture, &error), -EISDIR);
	assert_null(capture);
	capture_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_every_byte_damaged),
		cmocka_unit_test(test_pcapng_damage_is_named),
		cmocka_unit_test(test_pcapng_resolution_out_of_range),
		cmocka_unit_test(test_pcap_damage_is_placed),
		cmocka_unit_test(test_no_capture),
	};

	return cmocka_run_group_tests(tests, make_file, close_file);
}
