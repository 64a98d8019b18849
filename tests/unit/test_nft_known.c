/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was applied, as a file: it reads back as it was written, and nothing damaged is believed. */
#include "net/nft_known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct ruleset_range4 ranges4[] = {{1, 5}, {7, 7}, {100, UINT32_MAX}};
static struct ruleset_range6 ranges6[] = {{1, 2, 3, 4}};
static struct ruleset_set sets[] = {
	{.name = "relays_ip4", .family = ADDR_IP4, .ip4 = ranges4, .count = 3},
	{.name = "relays_ip6", .family = ADDR_IP6, .ip6 = ranges6, .count = 1},
	{.name = "inside_ip4", .family = ADDR_IP4},
};
static const struct nft_known known = {
	.mark = 0x1234567890abcdef, .generation = 7, .sets = sets, .set_count = 3};

static int make_file(void)
{
	int fd = memfd_create("known", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(nft_known_write(fd, &known), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void test_round_trip(void **state)
{
	int fd = make_file();
	struct nft_known got;

	assert_int_equal(nft_known_read(fd, &got), 0);
	assert_int_equal(got.mark, known.mark);
	assert_int_equal(got.generation, 7);
	assert_int_equal(got.set_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(got.sets[i].name, sets[i].name);
		assert_int_equal(got.sets[i].family, sets[i].family);
		assert_int_equal(got.sets[i].count, sets[i].count);
	}
	assert_memory_equal(got.sets[0].ip4, ranges4, sizeof(ranges4));
	assert_memory_equal(got.sets[1].ip6, ranges6, sizeof(ranges6));
	assert_ptr_equal(nft_known_find(&got, "relays_ip6", ADDR_IP6), &got.sets[1]);
	assert_null(nft_known_find(&got, "relays_ip6", ADDR_IP4));
	assert_null(nft_known_find(&got, "relays", ADDR_IP4));
	nft_known_clear(&got);
	assert_int_equal(got.generation, 0);
	close(fd);
}

/* Each byte of it counts. */
static void test_any_damage(void **state)
{
	int fd = make_file();
	off_t len = lseek(fd, 0, SEEK_END);

	for (off_t at = 0; at < len; at++) {
		struct nft_known got;
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_int_equal(nft_known_read(fd, &got), -EBADMSG);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
}

static void test_any_length(void **state)
{
	for (off_t at = 0; at < 1000; at++) {
		int fd = make_file();
		struct nft_known got;
		off_t len = lseek(fd, 0, SEEK_END);

		if (at == len) {
			close(fd);
			continue;
		}
		assert_int_equal(ftruncate(fd, at), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_int_equal(nft_known_read(fd, &got), -EBADMSG);
		close(fd);
	}
}

static void test_no_file(void **state)
{
	struct nft_known got;
	int ends[2];

	assert_int_equal(nft_known_read(-1, &got), -EBADF);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(nft_known_read(ends[0], &got), -EBADMSG);
	assert_int_equal(nft_known_write(ends[0], &known), -EBADF);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_any_damage),
		cmocka_unit_test(test_any_length),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
