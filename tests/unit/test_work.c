/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The work queue: what events and records make of a subscriber, and that events are kept. */
#include "store/query.h"
#include "store/store.h"
#include "store/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include <cmocka.h>

enum { GRACE_US = 100, WRITERS = 4, EVENTS = 25 };

static void add(struct work_case *work, enum work_what what, int64_t time_us, const char *ticket,
		const char *note)
{
	const struct work_event event = {.subscriber = work->subscriber,
					 .time_us = time_us,
					 .who = "ann",
					 .what = what,
					 .ticket = ticket,
					 .note = note};

	work_case_add(work, &event);
}

static struct work_verdict judge(const struct work_case *work, int64_t last_us, int64_t now_us)
{
	const struct work_activity activity = {.last_us = last_us,
					       .attempts_after = 7,
					       .first_after_us = last_us,
					       .observed_us = INT64_MAX,
					       .silence_us = GRACE_US};

	return work_judge(work, &activity, now_us, GRACE_US);
}

static void test_nobody_dealt_with_it(void **state)
{
	struct work_case work;

	(void)state;
	work_case_begin(&work, "192.0.2.1/32");
	assert_int_equal(judge(&work, 5000, 6000).state, WORK_OPEN);
	add(&work, WORK_NOTE, 10, NULL, "looks odd");
	add(&work, WORK_TICKET, 11, "T-1", NULL);
	assert_int_equal(judge(&work, 5000, 6000).state, WORK_OPEN);
	assert_int_equal(judge(&work, 5000, 6000).stopped, WORK_STOPPED_UNASKED);
	assert_true(work_deadline(&work, GRACE_US) == INT64_MAX && work.changed_us == INT64_MIN);
	assert_string_equal(work.note, "looks odd");
	assert_string_equal(work.ticket, "T-1");
	assert_int_equal(work.events, 2);
}

static void test_grace_is_over_to_the_microsecond(void **state)
{
	struct work_case work;

	(void)state;
	work_case_begin(&work, "192.0.2.1/32");
	add(&work, WORK_NOTIFIED, 1000, NULL, NULL);
	assert_int_equal(work_deadline(&work, GRACE_US), 1100);
	assert_int_equal(judge(&work, 1099, 1099).stopped, WORK_STOPPED_EARLY);
	assert_int_equal(judge(&work, 1099, 1099).state, WORK_IS_NOTIFIED);
	assert_int_equal(judge(&work, 1099, 1100).stopped, WORK_STOPPED_YES);
	assert_int_equal(judge(&work, 1099, 1100).state, WORK_IS_NOTIFIED);
	assert_int_equal(judge(&work, 1100, 1100).state, WORK_RELAPSED);
	assert_int_equal(judge(&work, 1100, 1100).stopped, WORK_STOPPED_NO);
	assert_int_equal(judge(&work, 1100, 1100).attempts, 7);
	assert_int_equal(judge(&work, INT64_MIN, 1100).stopped, WORK_STOPPED_YES);
}

/* He is not known to have stopped where nobody tells of anything since. */
static void test_without_a_word_since_nothing_is_known(void **state)
{
	struct work_activity activity = {.last_us = 1050, .observed_us = 1100};
	struct work_case work;

	(void)state;
	work_case_begin(&work, "192.0.2.1/32");
	add(&work, WORK_NOTIFIED, 1000, NULL, NULL);
	assert_int_equal(work_judge(&work, &activity, 2000, GRACE_US).stopped, WORK_STOPPED_UNSEEN);
	assert_int_equal(work_judge(&work, &activity, 2000, GRACE_US).state, WORK_IS_NOTIFIED);
	assert_int_equal(work_judge(&work, &activity, 1099, GRACE_US).stopped, WORK_STOPPED_EARLY);
	activity.observed_us = 1101;
	assert_int_equal(work_judge(&work, &activity, 2000, GRACE_US).stopped, WORK_STOPPED_YES);
}

/* A summary tells of a window, which may begin before the grace period ends. */
static void test_a_window_across_the_deadline_says_at_most(void **state)
{
	const struct work_activity across = {.last_us = 1200, .attempts_after = 3, .first_after_us = 1099};
	const struct work_activity behind = {.last_us = 1200, .attempts_after = 3, .first_after_us = 1100};
	struct work_case work;

	(void)state;
	work_case_begin(&work, "192.0.2.1/32");
	add(&work, WORK_ACKNOWLEDGED, 1000, NULL, NULL);
	assert_true(work_judge(&work, &across, 2000, GRACE_US).at_most);
	assert_false(work_judge(&work, &behind, 2000, GRACE_US).at_most);
}

static void test_who_deals_with_a_relapse_begins_again(void **state)
{
	struct work_case work;

	(void)state;
	work_case_begin(&work, "192.0.2.1/32");
	add(&work, WORK_ACKNOWLEDGED, 1000, NULL, NULL);
	assert_int_equal(judge(&work, 1050, 2000).state, WORK_IS_ACKNOWLEDGED);
	add(&work, WORK_NOTIFIED, 1500, "T-2", NULL);
	assert_int_equal(judge(&work, 1599, 2000).state, WORK_IS_NOTIFIED);
	assert_int_equal(judge(&work, 1600, 2000).state, WORK_RELAPSED);
	add(&work, WORK_ACKNOWLEDGED, 3000, NULL, "again");
	assert_int_equal(judge(&work, 1600, 3100).state, WORK_IS_NOTIFIED);
	assert_int_equal(judge(&work, 3100, 3200).state, WORK_RELAPSED);
	add(&work, WORK_REOPENED, 4000, NULL, NULL);
	assert_int_equal(judge(&work, 3100, 5000).state, WORK_OPEN);
	add(&work, WORK_ACKNOWLEDGED, 4500, NULL, NULL);
	assert_int_equal(judge(&work, 3100, 5000).state, WORK_IS_ACKNOWLEDGED);
	assert_string_equal(work.ticket, "T-2");
	assert_string_equal(work.note, "again");
}

static void test_who_is_closed_comes_back_by_himself(void **state)
{
	struct work_case work;

	(void)state;
	work_case_begin(&work, "192.0.2.1/32");
	add(&work, WORK_CLOSED, 1000, NULL, NULL);
	assert_int_equal(judge(&work, 1099, 2000).state, WORK_IS_CLOSED);
	assert_int_equal(judge(&work, 1099, 2000).stopped, WORK_STOPPED_YES);
	assert_int_equal(judge(&work, 1100, 2000).state, WORK_RELAPSED);
	add(&work, WORK_NOTE, 1500, NULL, "x");
	assert_int_equal(judge(&work, 1099, 2000).state, WORK_IS_CLOSED);
	add(&work, WORK_ACKNOWLEDGED, 1600, NULL, NULL);
	assert_int_equal(judge(&work, 1650, 2000).state, WORK_IS_ACKNOWLEDGED);
	add(&work, WORK_CLOSED, 3000, NULL, NULL);
	add(&work, WORK_REOPENED, 3100, NULL, NULL);
	assert_int_equal(judge(&work, 1650, 4000).state, WORK_OPEN);
}

/* Only who was told can have gone on all the same, and only who was away can be back. */
static void test_who_goes_on_has_not_relapsed(void **state)
{
	struct work_activity activity = {.last_us = 1200, .attempts_after = 3, .silence_us = GRACE_US - 1};
	struct work_case work;

	(void)state;
	work_case_begin(&work, "192.0.2.1/32");
	add(&work, WORK_ACKNOWLEDGED, 1000, NULL, NULL);
	assert_int_equal(work_judge(&work, &activity, 2000, GRACE_US).state, WORK_IS_ACKNOWLEDGED);
	assert_int_equal(work_judge(&work, &activity, 2000, GRACE_US).stopped, WORK_STOPPED_NO);
	add(&work, WORK_NOTIFIED, 1000, NULL, NULL);
	assert_int_equal(work_judge(&work, &activity, 2000, GRACE_US).state, WORK_CONTINUED);
	assert_int_equal(work_judge(&work, &activity, 2000, GRACE_US).silence_us, 0);
	activity.silence_us = GRACE_US;
	assert_int_equal(work_judge(&work, &activity, 2000, GRACE_US).state, WORK_RELAPSED);
	assert_int_equal(work_judge(&work, &activity, 2000, GRACE_US).silence_us, GRACE_US);
	activity.silence_us = 0;
	assert_int_equal(work_judge(&work, &activity, 2000, 0).state, WORK_CONTINUED);
}

/* Who writes a note did not deal with him. */
static void test_who_dealt_with_it_stays(void **state)
{
	const struct work_event events[] = {
		{.time_us = 5, .who = "dan", .what = WORK_NOTE, .note = "x", .grace_us = 7},
		{.time_us = 10, .who = "alice", .what = WORK_ACKNOWLEDGED, .grace_us = 30},
		{.time_us = 20, .who = "bob", .what = WORK_NOTE, .note = "y", .grace_us = WORK_GRACE_UNSAID},
		{.time_us = 21,
		 .who = "carol",
		 .what = WORK_TICKET,
		 .ticket = "T",
		 .grace_us = WORK_GRACE_UNSAID},
	};
	struct work_case work;

	(void)state;
	work_case_begin(&work, "192.0.2.1/32");
	work_case_add(&work, &events[0]);
	assert_string_equal(work.who, "");
	assert_int_equal(work_grace(&work, WORK_GRACE_UNSAID), WORK_GRACE_US);
	for (size_t i = 1; i < sizeof(events) / sizeof(events[0]); i++)
		work_case_add(&work, &events[i]);
	assert_string_equal(work.who, "alice");
	assert_int_equal(work.changed_us, 10);
	assert_int_equal(work_grace(&work, WORK_GRACE_UNSAID), 30);
	assert_int_equal(work_grace(&work, 0), 0);
	work_case_add(&work, &(struct work_event){.time_us = 30,
						  .who = "erin",
						  .what = WORK_REOPENED,
						  .grace_us = WORK_GRACE_UNSAID});
	assert_string_equal(work.who, "erin");
	assert_int_equal(work_grace(&work, WORK_GRACE_UNSAID), WORK_GRACE_US);
}

static void test_times_at_the_end_of_time(void **state)
{
	struct work_case work;

	(void)state;
	work_case_begin(&work, "192.0.2.1/32");
	add(&work, WORK_ACKNOWLEDGED, INT64_MAX - 10, NULL, NULL);
	assert_true(work_deadline(&work, GRACE_US) == INT64_MAX);
	assert_int_equal(judge(&work, 5, 6).stopped, WORK_STOPPED_EARLY);
}

static void test_texts_that_may_be_kept(void **state)
{
	static const char *const bad[] = {
		"",         "a\nb",     "\x1b[31m",     "tab\there",    "\x7f",
		"\xc2\x85", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xe3\x81", "\x80",     "\xff",         "123456789"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(work_text_is_good(bad[i], 8));
	assert_true(work_text_is_good("12345678", 8));
	assert_true(work_text_is_good("\xc2\xa0", 8));
	assert_true(work_text_is_good("\xe6\x97\xa5\xe6\x9c\xac", 8));
	assert_true(work_text_is_good("\xf4\x8f\xbf\xbf", 8));
}

/* ---- the table ---- */

struct place {
	char directory[64];
	char path[96];
	struct store *store;
};

static struct store *open_store(const char *path)
{
	struct store *store = NULL;
	char *error = NULL;

	assert_int_equal(store_open(path, true, &store, &error), 0);
	return store;
}

static int begin(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	snprintf(place->directory, sizeof(place->directory), "work-test-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/records.db", place->directory);
	place->store = open_store(place->path);
	*state = place;
	return 0;
}

static int end(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal", "-ingest", "-work"};
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

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int keep_text(void *context, const struct work_event *event)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 1024 - used, "%s %lld %s %s %s %s\n", event->subscriber,
		 (long long)event->time_us, event->who, work_what_name(event->what),
		 event->ticket ? event->ticket : "-", event->note ? event->note : "-");
	return 0;
}

static void test_events_come_back_by_their_times(void **state)
{
	const struct place *place = *state;
	const struct work_event events[] = {
		{"198.51.100.7/32", 2000, "ann", WORK_ACKNOWLEDGED, "T-1", NULL, WORK_GRACE_UNSAID},
		{"192.0.2.1/32", 1000, "bob", WORK_NOTE, NULL, "it's; DROP TABLE work", WORK_GRACE_UNSAID},
		{"198.51.100.7/32", 1500, "bob", WORK_NOTIFIED, NULL, NULL, WORK_GRACE_UNSAID},
		{"198.51.100.7/32", 2000, "ann", WORK_NOTE, NULL, "x", WORK_GRACE_UNSAID},
	};
	char text[1024] = "";

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		assert_int_equal(store_work_add(place->store, &events[i]), 0);
	assert_int_equal(store_work_events(place->store, keep_text, text), 0);
	assert_string_equal(text, "192.0.2.1/32 1000 bob note - it's; DROP TABLE work\n"
				  "198.51.100.7/32 1500 bob notified - -\n"
				  "198.51.100.7/32 2000 ann acknowledged T-1 -\n"
				  "198.51.100.7/32 2000 ann note - x\n");
}

static char *beside(const struct place *place, const char *end)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s%s", place->path, end);
	return path;
}

/* The store may be deleted: it is filled again. What people entered cannot be. */
static void test_events_outlive_the_store(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	const struct work_event event = {"192.0.2.1/32", 7, "ann", WORK_NOTE, NULL, "x", WORK_GRACE_UNSAID};
	struct place *place = *state;
	char text[1024] = "";

	assert_int_equal(store_work_add(place->store, &event), 0);
	store_close(place->store);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		(void)unlink(beside(place, ends[i]));
	place->store = open_store(place->path);
	assert_int_equal(store_work_events(place->store, keep_text, text), 0);
	assert_string_equal(text, "192.0.2.1/32 7 ann note - x\n");
}

/* A store of version 1 had the queue in it: it is carried over, once, when the store is refused. */
static void test_events_of_an_old_store_are_kept(void **state)
{
	struct place *place = *state;
	struct store *store = NULL;
	char *error = NULL, text[1024] = "";

	store_close(place->store);
	run_sql(place->path,
		"CREATE TABLE work(id INTEGER PRIMARY KEY, subscriber_text TEXT NOT NULL, time INTEGER NOT NULL, who TEXT NOT NULL,"
		" what TEXT NOT NULL, ticket TEXT, note TEXT); INSERT INTO work VALUES(4, '192.0.2.1/32', 5, 'ann', 'note', NULL, 'x');"
		"UPDATE meta SET value = 1 WHERE key = 'schema'");
	for (int i = 0; i < 2; i++) {
		assert_true(store_open(place->path, true, &store, &error) < 0);
		assert_non_null(strstr(error, "move it away"));
		free(error);
	}
	(void)unlink(place->path);
	place->store = open_store(place->path);
	assert_int_equal(store_work_events(place->store, keep_text, text), 0);
	assert_string_equal(text, "192.0.2.1/32 5 ann note - x\n");
}

static int sum_graces(void *context, const struct work_event *event)
{
	*(int64_t *)context += event->grace_us;
	return 0;
}

static void test_a_queue_without_graces_gets_them(void **state)
{
	const struct work_event plain = {"192.0.2.1/32",   7, "ann", WORK_NOTIFIED, NULL, NULL,
					 WORK_GRACE_UNSAID};
	const struct work_event graced = {"192.0.2.1/32", 8, "ann", WORK_NOTIFIED, NULL, NULL, 50};
	struct place *place = *state;
	struct store *reader = NULL;
	char *error = NULL;
	int64_t sum = 0;

	assert_int_equal(store_work_add(place->store, &plain), 0);
	store_close(place->store);
	run_sql(beside(place, "-work"), "ALTER TABLE work DROP COLUMN grace");
	assert_int_equal(store_open(place->path, false, &reader, &error), 0);
	assert_int_equal(store_work_events(reader, sum_graces, &sum), 0);
	assert_int_equal(sum, -1);
	store_close(reader);
	place->store = open_store(place->path);
	assert_int_equal(store_work_add(place->store, &graced), 0);
	sum = 0;
	assert_int_equal(store_work_events(place->store, sum_graces, &sum), 0);
	assert_int_equal(sum, 49);
}

static void test_a_damaged_queue_is_named(void **state)
{
	const struct place *place = *state;
	struct store *store = NULL;
	char text[1024] = "", *error = NULL;
	FILE *file = fopen(beside(place, "-work"), "w");

	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("no database at all\n", file);
	fclose(file);
	assert_true(store_work_events(place->store, keep_text, text) < 0);
	assert_non_null(strstr(store_error(place->store), "records.db-work: this is not a work queue"));
	(void)unlink(beside(place, "-work"));
	assert_int_equal(store_open(place->path, false, &store, &error), 0);
	assert_int_equal(store_work_events(store, keep_text, text), 0);
	assert_string_equal(text, "");
	store_close(store);
}

/* What a later version of the program has entered is shown, and does not change what is known. */
static void test_unknown_events_are_notes(void **state)
{
	const struct place *place = *state;
	char text[1024] = "";

	assert_int_equal(store_work_events(place->store, keep_text, text), 0);
	run_sql(beside(place, "-work"), "INSERT INTO work(subscriber_text, time, who, what, note)"
					" VALUES('192.0.2.1/32', 5, 'eve', 'escalated', 'x')");
	assert_int_equal(store_work_events(place->store, keep_text, text), 0);
	assert_string_equal(text, "192.0.2.1/32 5 eve note - x\n");
}

static void enter_many(const char *path, unsigned writer)
{
	struct store *store = open_store(path);
	char who[16];

	snprintf(who, sizeof(who), "writer%u", writer);
	for (int i = 0; i < EVENTS; i++) {
		const struct work_event event = {"192.0.2.1/32",   i, who, WORK_NOTE, NULL, "x",
						 WORK_GRACE_UNSAID};

		if (store_work_add(store, &event) != 0)
			_exit(1);
	}
	store_close(store);
	_exit(0);
}

static int count_event(void *context, const struct work_event *event)
{
	(void)event;
	++*(int *)context;
	return 0;
}

static void test_several_at_once_lose_nothing(void **state)
{
	const struct place *place = *state;
	pid_t children[WRITERS];
	int status, count = 0;

	for (unsigned i = 0; i < WRITERS; i++) {
		children[i] = fork();
		if (children[i] == 0)
			enter_many(place->path, i);
		assert_true(children[i] > 0);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(store_work_events(place->store, count_event, &count), 0);
	assert_int_equal(count, WRITERS * EVENTS);
}

static int find(const struct place *place, const char *text, char found[PREFIX_TEXT_MAX])
{
	struct prefix given, prefix;
	int r;

	assert_int_equal(prefix_parse(text, strlen(text), &given), ADDR_OK);
	r = store_work_find(place->store, &given, &prefix);
	found[0] = '\0';
	if (r == 1)
		prefix_format(&prefix, found);
	return r;
}

static void test_an_address_finds_its_subscriber(void **state)
{
	const struct place *place = *state;
	char found[PREFIX_TEXT_MAX];

	run_sql(place->path, "INSERT INTO subscriber(address, len) VALUES(x'c0000201', 32),"
			     "(x'20010db8000001000000000000000000', 56),"
			     "(x'20010db8000001420000000000000000', 64)");
	assert_int_equal(find(place, "192.0.2.1", found), 1);
	assert_string_equal(found, "192.0.2.1/32");
	assert_int_equal(find(place, "192.0.2.2", found), 0);
	assert_int_equal(find(place, "192.0.2.0/24", found), 0);
	assert_int_equal(find(place, "2001:db8:0:17f::1", found), 1);
	assert_string_equal(found, "2001:db8:0:100::/56");
	assert_int_equal(find(place, "2001:db8:0:142::1", found), 1);
	assert_string_equal(found, "2001:db8:0:142::/64");
	assert_int_equal(find(place, "2001:db8:0:200::1", found), 0);
	assert_int_equal(find(place, "::", found), 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_dealt_with_it),
		cmocka_unit_test(test_grace_is_over_to_the_microsecond),
		cmocka_unit_test(test_without_a_word_since_nothing_is_known),
		cmocka_unit_test(test_who_is_closed_comes_back_by_himself),
		cmocka_unit_test(test_who_goes_on_has_not_relapsed),
		cmocka_unit_test(test_a_window_across_the_deadline_says_at_most),
		cmocka_unit_test(test_who_deals_with_a_relapse_begins_again),
		cmocka_unit_test(test_who_dealt_with_it_stays),
		cmocka_unit_test(test_times_at_the_end_of_time),
		cmocka_unit_test(test_texts_that_may_be_kept),
		CASE(test_events_come_back_by_their_times),
		CASE(test_events_outlive_the_store),
		CASE(test_events_of_an_old_store_are_kept),
		CASE(test_a_queue_without_graces_gets_them),
		CASE(test_a_damaged_queue_is_named),
		CASE(test_unknown_events_are_notes),
		CASE(test_several_at_once_lose_nothing),
		CASE(test_an_address_finds_its_subscriber),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
