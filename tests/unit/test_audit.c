/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gaps between a writer's numbers, and what is stored of some of them. */
#include "store/audit.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include <cmocka.h>

struct place {
	char directory[64];
	char path[96];
	struct store *store;
};

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Two writers of one host: 10 to 19, 25, 30 to 39, and 5 alone; one of another: 100 to 110. */
static int begin(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	char *error = NULL;

	assert_non_null(place);
	snprintf(place->directory, sizeof(place->directory), "audit-test-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/records.db", place->directory);
	assert_int_equal(store_open(place->path, true, &place->store, &error), 0);
	run_sql(place->path,
		"INSERT INTO name(id, text) VALUES(1, 'gw1'), (2, 'gw2');"
		"INSERT INTO source(id, host, boot) VALUES(1, 1, 'a'), (2, 1, 'b'), (3, 2, 'a');"
		"INSERT INTO seen VALUES(1, 10, 19), (1, 25, 25), (1, 30, 39), (2, 5, 5), (3, 100, 110);"
		"INSERT INTO record(source, seq, packets, blocked, attempts)"
		" VALUES(1, 10, 5, 4, 3), (1, 25, 7, 7, 1), (1, 39, 100, 100, 100), (3, 25, 1000, 1000, 1000)");
	*state = place;
	return 0;
}

static int end(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	struct place *place = *state;
	char path[128];

	store_close(place->store);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", place->path, ends[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(place->directory), 0);
	free(place);
	return 0;
}

static int keep_gap(void *context, const struct store_gap *gap)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 256 - used, "%s %s %llu-%llu;", gap->host, gap->boot_id,
		 (unsigned long long)gap->first, (unsigned long long)gap->last);
	return 0;
}

static void test_gaps_are_between_what_was_seen(void **state)
{
	const struct place *place = *state;
	char text[256] = "";

	assert_int_equal(store_gaps(place->store, keep_gap, text), 0);
	assert_string_equal(text, "gw1 a 20-24;gw1 a 26-29;");
}

static void assert_share(const struct place *place, const char *host, uint64_t first, uint64_t last_and_one,
			 struct store_share wanted)
{
	struct store_share share = {1, 1, 1, 1};

	assert_int_equal(store_share_of(place->store, host, "a", first, last_and_one, &share), 0);
	assert_int_equal(share.numbers, wanted.numbers);
	assert_int_equal(share.packets, wanted.packets);
	assert_int_equal(share.blocked, wanted.blocked);
	assert_int_equal(share.attempts, wanted.attempts);
}

static void test_shares_are_cut_at_their_bounds(void **state)
{
	const struct place *place = *state;

	assert_share(place, "gw1", 0, 1000, (struct store_share){21, 112, 111, 104});
	assert_share(place, "gw1", 10, 39, (struct store_share){20, 12, 11, 4});
	assert_share(place, "gw1", 11, 26, (struct store_share){10, 7, 7, 1});
	assert_share(place, "gw1", 20, 25, (struct store_share){0});
	assert_share(place, "gw1", 12, 15, (struct store_share){3, 0, 0, 0});
	assert_share(place, "gw9", 0, 1000, (struct store_share){0});
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_gaps_are_between_what_was_seen),
		CASE(test_shares_are_cut_at_their_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
