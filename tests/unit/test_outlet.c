/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to a log's socket, whatever its reader does. */
#include "daemon/outlet.h"

#include "base/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MANY = 10000, CAPACITY = 4096 };

static char directory[] = "/tmp/test_outlet.XXXXXX";
static char path[64];

static int open_reader(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void close_reader(int fd)
{
	close(fd);
	unlink(path);
}

static size_t read_one(int fd, char out[256])
{
	ssize_t n = recv(fd, out, 255, 0);

	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static struct outlet_stats stats_of(const struct outlet *outlet)
{
	struct outlet_stats stats;

	outlet_stats_get(outlet, &stats);
	return stats;
}

/* Everything taken is sent, lost or waits. */
static void assert_accounted(const struct outlet *outlet, uint64_t waiting_messages)
{
	struct outlet_stats stats = stats_of(outlet);

	assert_int_equal(stats.waiting_messages, waiting_messages);
	assert_int_equal(stats.messages, stats.sent + stats.lost + waiting_messages);
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/log", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void test_messages_arrive_one_by_one(void **state)
{
	struct outlet *outlet = outlet_new(path, CAPACITY);
	int reader = open_reader();
	char text[256];

	(void)state;
	outlet_add(outlet, "one", 3);
	outlet_add(outlet, "two\n", 4);
	assert_int_equal(stats_of(outlet).waiting, 3 + 4 + 2 * sizeof(uint32_t));
	assert_false(outlet_flush(outlet, 0));
	assert_int_equal(read_one(reader, text), 3);
	assert_string_equal(text, "one");
	read_one(reader, text);
	assert_string_equal(text, "two\n");
	assert_int_equal(stats_of(outlet).waiting, 0);
	assert_int_equal(stats_of(outlet).sent, 2);
	assert_accounted(outlet, 0);
	outlet_free(outlet);
	close_reader(reader);
}

static void test_they_wait_for_a_reader(void **state)
{
	struct outlet *outlet = outlet_new(path, CAPACITY);
	char text[256];
	int reader;

	(void)state;
	outlet_add(outlet, "early", 5);
	assert_true(outlet_flush(outlet, 0)); /* it fails now */
	assert_int_equal(stats_of(outlet).error, -ENOENT);
	reader = open_reader();
	assert_false(outlet_flush(outlet, NSEC_PER_SEC - 1)); /* not yet tried again */
	assert_int_equal(stats_of(outlet).sent, 0);
	assert_true(outlet_flush(outlet, NSEC_PER_SEC)); /* it works again */
	read_one(reader, text);
	assert_string_equal(text, "early");
	close_reader(reader);
	outlet_add(outlet, "gone", 4);
	assert_true(outlet_flush(outlet, 2 * NSEC_PER_SEC));
	assert_int_equal(stats_of(outlet).error, -ECONNREFUSED);
	reader = open_reader();
	assert_true(outlet_flush(outlet, 3 * NSEC_PER_SEC));
	read_one(reader, text);
	assert_string_equal(text, "gone");
	assert_int_equal(stats_of(outlet).lost, 0);
	assert_accounted(outlet, 0);
	outlet_free(outlet);
	close_reader(reader);
}

/* Without a word, and without a wait: it is a reader like others. */
static void test_a_slow_reader_gets_what_fits(void **state)
{
	struct outlet *outlet = outlet_new(path, CAPACITY);
	int reader = open_reader();
	char text[256], number[16];
	unsigned long last = 0;
	size_t got = 0;

	(void)state;
	for (int i = 1; i <= MANY; i++) {
		outlet_add(outlet, number, (size_t)snprintf(number, sizeof(number), "%d", i));
		assert_false(outlet_flush(outlet, 0));
	}
	assert_true(outlet_is_slow(outlet));
	assert_int_equal(stats_of(outlet).error, 0);
	assert_in_range(stats_of(outlet).waiting, 1, CAPACITY);
	assert_in_range(stats_of(outlet).lost, 1, MANY);
	while (outlet_is_slow(outlet) || got == 0) {
		while (read_one(reader, text) > 0) {
			assert_true(strtoul(text, NULL, 10) > last); /* in their order */
			last = strtoul(text, NULL, 10);
			got++;
		}
		outlet_flush(outlet, 0);
	}
	while (read_one(reader, text) > 0)
		got++;
	assert_int_equal(stats_of(outlet).sent, got);
	assert_int_equal(stats_of(outlet).waiting, 0);
	assert_accounted(outlet, 0);
	outlet_free(outlet);
	close_reader(reader);
}

static void test_what_no_datagram_holds_is_lost(void **state)
{
	enum { LARGE = 1 << 20 };
	struct outlet *outlet = outlet_new(path, 2 * LARGE);
	char *large = calloc(1, LARGE), text[256];
	int reader = open_reader();

	(void)state;
	assert_non_null(large);
	outlet_add(outlet, large, LARGE);
	outlet_add(outlet, "small", 5);
	outlet_add(outlet, "", 0);
	assert_false(outlet_flush(outlet, 0));
	read_one(reader, text);
	assert_string_equal(text, "small");
	assert_int_equal(stats_of(outlet).lost, 2);
	assert_accounted(outlet, 0);
	free(large);
	outlet_free(outlet);
	close_reader(reader);
}

static void test_a_path_too_long(void **state)
{
	char long_path[200];

	(void)state;
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_null(outlet_new(long_path, CAPACITY));
	outlet_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_arrive_one_by_one),
		cmocka_unit_test(test_they_wait_for_a_reader),
		cmocka_unit_test(test_a_slow_reader_gets_what_fits),
		cmocka_unit_test(test_what_no_datagram_holds_is_lost),
		cmocka_unit_test(test_a_path_too_long),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
