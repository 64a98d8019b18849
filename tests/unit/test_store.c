/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The review store as a file: made once, opened again, and refused with a reason where it cannot be used. */
#include "store/query.h"
#include "store/siblings.h"
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include <cmocka.h>

struct place {
	char directory[64];
	char path[96];
};

static void remove_store(const struct place *place)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal", "-ingest", "-work"};
	char path[128];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", place->path, ends[i]);
		(void)unlink(path);
	}
}

static int begin(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	snprintf(place->directory, sizeof(place->directory), "store-test-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/records.db", place->directory);
	*state = place;
	return 0;
}

static int end(void **state)
{
	struct place *place = *state;

	remove_store(place);
	assert_int_equal(rmdir(place->directory), 0);
	free(place);
	return 0;
}

/* Opens it; what is wrong must be said with this part of a sentence. */
static int open_and_close(const char *path, bool write, const char *part)
{
	struct store *store = NULL;
	char *error = NULL;
	int r = store_open(path, write, &store, &error);

	if (r == 0) {
		assert_null(error);
		assert_string_equal(store_error(store), "");
		store_close(store);
	} else {
		assert_null(store);
		assert_non_null(error);
		if (part)
			assert_non_null(strstr(error, part));
	}
	free(error);
	return r;
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int no_source(void *context, const struct store_source *row)
{
	(void)context;
	(void)row;
	return 1;
}

static void test_made_and_opened_again(void **state)
{
	const struct place *place = *state;
	struct store *store = NULL;
	char *error = NULL;
	struct stat found;

	assert_int_equal(open_and_close(place->path, true, NULL), 0);
	assert_int_equal(stat(place->path, &found), 0);
	assert_int_equal(found.st_mode & 0007, 0);
	assert_int_equal(open_and_close(place->path, true, NULL), 0);
	assert_int_equal(open_and_close(place->path, false, NULL), 0);
	assert_int_equal(store_open(place->path, false, &store, &error), 0);
	assert_int_equal(store_sources(store, no_source, NULL), 0);
	store_close(store);
	store_close(NULL);
}

static void test_nothing_there(void **state)
{
	const struct place *place = *state;
	char path[128];

	assert_int_equal(open_and_close(place->path, false, place->path), -ENOENT);
	snprintf(path, sizeof(path), "%s/none/records.db", place->directory);
	assert_int_equal(open_and_close(path, true, path), -ENOENT);
	assert_int_equal(fclose(fopen(place->path, "w")), 0);
	assert_int_equal(open_and_close(place->path, false, "nothing was stored"), -ENODATA);
	assert_int_equal(open_and_close(place->path, true, NULL), 0);
}

static void test_not_a_store(void **state)
{
	const struct place *place = *state;
	FILE *file = fopen(place->path, "w");

	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("no database at all\n", file);
	fclose(file);
	assert_int_equal(open_and_close(place->path, true, "not a store"), -EBADMSG);
	assert_int_equal(open_and_close(place->path, false, "not a store"), -EBADMSG);
}

/* A pipe is not opened: that would wait for somebody at its other end. */
static void test_no_plain_file(void **state)
{
	const struct place *place = *state;

	assert_int_equal(mkfifo(place->path, 0600), 0);
	assert_int_equal(open_and_close(place->path, true, "no plain file"), -EINVAL);
	assert_int_equal(open_and_close(place->path, false, "no plain file"), -EINVAL);
	assert_int_equal(open_and_close(place->directory, true, "a directory"), -EINVAL);
}

static void test_another_programs_database(void **state)
{
	const struct place *place = *state;

	run_sql(place->path, "CREATE TABLE meta(key, value); INSERT INTO meta VALUES('schema', 1)");
	assert_int_equal(open_and_close(place->path, true, "another program"), -EBADMSG);
	assert_int_equal(open_and_close(place->path, false, "another program"), -EBADMSG);
}

static void test_newer_version(void **state)
{
	const struct place *place = *state;

	assert_int_equal(open_and_close(place->path, true, NULL), 0);
	run_sql(place->path, "UPDATE meta SET value = 4 WHERE key = 'schema'");
	assert_int_equal(open_and_close(place->path, true, "version 4"), -ENOTSUP);
	assert_int_equal(open_and_close(place->path, false, "version 4"), -ENOTSUP);
}

static void test_older_version(void **state)
{
	const struct place *place = *state;

	assert_int_equal(open_and_close(place->path, true, NULL), 0);
	run_sql(place->path, "UPDATE meta SET value = 1 WHERE key = 'schema';"
			     "CREATE TABLE work(id, subscriber_text, time, who, what, ticket, note)");
	assert_int_equal(open_and_close(place->path, true, "move it away"), -ENOTSUP);
	assert_int_equal(open_and_close(place->path, false, "version 1"), -ENOTSUP);
}

/* Its queue stands in a file of its own already. */
static void test_version_before(void **state)
{
	const struct place *place = *state;

	assert_int_equal(open_and_close(place->path, true, NULL), 0);
	run_sql(place->path, "UPDATE meta SET value = 2 WHERE key = 'schema'");
	assert_int_equal(open_and_close(place->path, true, "version 2, of an older"), -ENOTSUP);
}

/* No program ever wrote that: a newer one would not help. */
static void test_no_version(void **state)
{
	const struct place *place = *state;

	assert_int_equal(open_and_close(place->path, true, NULL), 0);
	run_sql(place->path, "UPDATE meta SET value = 'x' WHERE key = 'schema'");
	assert_int_equal(open_and_close(place->path, true, "damaged"), -EBADMSG);
	run_sql(place->path, "DELETE FROM meta");
	assert_int_equal(open_and_close(place->path, false, "damaged"), -EBADMSG);
}

/* Two that make it at the same moment, before and after either. */
static void test_made_by_two(void **state)
{
	const struct place *place = *state;
	struct store *first = NULL, *second = NULL;
	char *error = NULL;

	assert_int_equal(store_open(place->path, true, &first, &error), 0);
	assert_int_equal(store_open(place->path, true, &second, &error), 0);
	store_close(first);
	assert_int_equal(store_sources(second, no_source, NULL), 0);
	store_close(second);
}

static void test_names_of_rotated_files(void **state)
{
	static const char *const rotated[] = {
		"events.json.1",
		"events.json.2.gz",
		"events.json.10.zst",
		"events.json-20261122",
		"events.json.gz",
		"events-20261122.json",
		"events.json-20261122-120000.zst",
		"events-20261122-1795333842.json.gz",
	};
	static const char *const others[] = {
		"events.json",    "events.json.1.bz2", "events.json.old",       "events.jsonx",
		"events.json.",   "events2.json",      "events-x.json",         "other.json.1",
		"events.json.1x", "events.json.db",    "events-20261122.jsonx", "",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rotated) / sizeof(rotated[0]); i++) {
		if (!siblings_is_rotated("events.json", rotated[i]))
			fail_msg("%s is one", rotated[i]);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (siblings_is_rotated("events.json", others[i]))
			fail_msg("%s is none", others[i]);
	}
	assert_true(siblings_is_rotated("log", "log.1"));
	assert_false(siblings_is_rotated("log", "log1"));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_made_and_opened_again),
		CASE(test_nothing_there),
		CASE(test_not_a_store),
		CASE(test_no_plain_file),
		CASE(test_another_programs_database),
		CASE(test_newer_version),
		CASE(test_older_version),
		CASE(test_version_before),
		CASE(test_no_version),
		CASE(test_made_by_two),
		CASE(test_names_of_rotated_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
