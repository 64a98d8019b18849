/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-log watch: what is shown, from values alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../tools/log_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_US INT64_C(1000000)

enum { LINE_MAX_COLUMNS = 512 };

/* The daemon's answer, as far as it is looked at. */
static const char status_text[] =
	"{\"name\":\"gw1\",\"version\":\"0.1.0\",\"pid\":77,\"uptime_s\":93784,\"mode\":\"enforce\",\"fail\":\"open\","
	"\"ledger\":{\"received\":1000,\"accepted\":300,\"dropped\":690,\"failed_open\":7,\"in_flight\":3,\"learned\":40},"
	"\"kernel\":{\"waiting\":5,\"queue_dropped\":11,\"user_dropped\":0},\"workers\":[{},{\"queue\":101,\"error\":\"gone\"}],"
	"\"fail_modes\":{\"cases\":{\"no-daemon\":{\"fate\":\"passes\",\"then\":\"passes\"},\"killed\":{\"fate\":\"waits\","
	"\"then\":\"passes\"}},\"warnings\":[\"rules lack \\u001b[2Jbypass\"],\"unjudged\":{\"now\":true}},"
	"\"events\":{\"attempts\":250},\"log\":{\"records\":20,\"lost\":2,\"waiting_bytes\":9,\"error\":\"No space\"},"
	"\"offload\":{\"wanted\":true,\"ready\":true,\"generation\":0,\"sources\":4,\"packets\":900,\"learned\":40,\"error\":null},"
	"\"policy\":{\"last_reload_ok\":false},\"missing_interfaces\":[\"sub9\"]}";

static struct watch_offender offender(const char *subscriber, uint64_t packets, uint64_t attempts,
				      uint64_t destinations, const char *last)
{
	struct watch_offender made = {.packets = packets,
				      .attempts = attempts,
				      .destinations = destinations,
				      .destinations_exact = true};

	snprintf(made.subscriber, sizeof(made.subscriber), "%s", subscriber);
	snprintf(made.reason, sizeof(made.reason), "pool-enforce");
	snprintf(made.since, sizeof(made.since), "2026-10-01T09:00:00+09:00");
	snprintf(made.last, sizeof(made.last), "2026-10-01T%s+09:00", last);
	return made;
}

/* A look at a daemon that has these offenders, s seconds after the first. */
static struct watch_snapshot snapshot_at(int64_t s, const struct watch_offender *offenders, size_t count)
{
	struct watch_snapshot made = {
		.at_ns = s * NSEC_PER_SEC + 1, .of_daemon = true, .pid = 77, .subscribers = count};

	snprintf(made.gateway, sizeof(made.gateway), "gw1");
	made.offenders = calloc(count + 1, sizeof(*offenders));
	assert_non_null(made.offenders);
	if (count > 0)
		memcpy(made.offenders, offenders, count * sizeof(*offenders));
	made.offender_count = count;
	for (unsigned i = 0; i < WATCH_COUNTERS; i++)
		made.known[i] = true;
	return made;
}

static void take(struct watch_model *model, int64_t s, const struct watch_offender *offenders, size_t count)
{
	struct watch_snapshot snapshot = snapshot_at(s, offenders, count);

	assert_int_equal(watch_model_take(model, &snapshot), 0);
	assert_null(snapshot.offenders);
}

static void keys(struct watch_model *model, const char *text)
{
	for (; *text; text++)
		assert_int_equal(watch_model_key(model, *text), WATCH_GO_ON);
}

/* A row of the grid as text, blocks as their level from 1 to 8. */
static const char *line(const struct watch_grid *grid, int row)
{
	static char text[LINE_MAX_COLUMNS];
	int len = 0;

	for (int column = 0; column < grid->columns; column++) {
		uint16_t glyph = grid->cells[row * grid->columns + column].glyph;

		assert_true((glyph >= ' ' && glyph <= '~') || (glyph >= 0x2581 && glyph <= 0x2588));
		text[column] = (char)(glyph <= '~' ? glyph : '1' + (glyph - 0x2581));
		if (text[column] != ' ')
			len = column + 1;
	}
	text[len] = '\0';
	return text;
}

static void texts_from_elsewhere_are_made_printable(void **state)
{
	char out[12];

	watch_text(out, sizeof(out), "a\x1b[2J\x07z");
	assert_string_equal(out, "a?[2J?z");
	watch_text(out, sizeof(out), "x\xe6\x97\xa5y\xc2\x9bz");
	assert_string_equal(out, "x?y?z");
	watch_text(out, sizeof(out), "0123456789abcdef");
	assert_string_equal(out, "0123456789a");
	watch_text(out, sizeof(out), NULL);
	assert_string_equal(out, "");
}

static void numbers_fit(void **state)
{
	char out[24];

	assert_string_equal(watch_number(0, 4, out), "0");
	assert_string_equal(watch_number(9999, 4, out), "9999");
	assert_string_equal(watch_number(10000, 4, out), "10k");
	assert_string_equal(watch_number(1234567, 6, out), "1234k");
	assert_string_equal(watch_number(1234567, 4, out), "1M");
	assert_string_equal(watch_number(UINT64_MAX, 4, out), "18E");
	assert_string_equal(watch_number(UINT64_MAX, 20, out), "18446744073709551615");
	assert_string_equal(watch_rate(0, 7, out), "0");
	assert_string_equal(watch_rate(400, 7, out), "0.4");
	assert_string_equal(watch_rate(12460, 7, out), "12.5");
	assert_string_equal(watch_rate(99940, 7, out), "99.9");
	assert_string_equal(watch_rate(99950, 7, out), "100");
	assert_string_equal(watch_rate(123456789000, 7, out), "123456k");
}

static void curves_have_the_newest_at_the_right(void **state)
{
	static const uint64_t values[] = {700, 0, 1, 50, 99, 100};
	struct watch_grid grid = {0};

	assert_int_equal(watch_grid_clear(&grid, 1, 8), 0);
	watch_spark(&grid, 0, 0, 8, true, values + 1, 5);
	assert_string_equal(line(&grid, 0), "   12578");
	assert_int_equal(watch_grid_clear(&grid, 1, 8), 0);
	watch_spark(&grid, 0, 0, 3, false, values, 6);
	assert_string_equal(line(&grid, 0), "=*#");
	watch_spark(&grid, 0, 0, 0, false, values, 6);
	watch_spark(&grid, 0, 0, -5, false, values, 6);
	watch_grid_free(&grid);
}

static void intervals(void **state)
{
	static const char *const bad[] = {
		"", ".", "0", "0.05", "3600.1", "1s", "-1", "1e3", "99999999999999999999", " 1"};
	uint64_t ms = 5;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(watch_interval_parse(bad[i], &ms));
	assert_int_equal(ms, 5);
	assert_true(watch_interval_parse("0.1", &ms) && ms == 100);
	assert_true(watch_interval_parse("2", &ms) && ms == 2000);
	assert_true(watch_interval_parse("1.2509", &ms) && ms == 1250);
	assert_true(watch_interval_parse("3600", &ms) && ms == 3600000);
}

static void status_is_read(void **state)
{
	json_t *status = json_loads(status_text, 0, NULL);
	struct watch_snapshot snapshot = {0};

	assert_non_null(status);
	watch_read_status(status, &snapshot);
	/* What was learned the kernel counted too: it is one packet. */
	assert_int_equal(snapshot.counters[WATCH_PACKETS], 1000 - 40 + 900);
	assert_int_equal(snapshot.counters[WATCH_BLOCKED], 690 - 40 + 900);
	assert_int_equal(snapshot.counters[WATCH_ACCEPTED], 300);
	assert_int_equal(snapshot.counters[WATCH_ATTEMPTS], 250);
	assert_int_equal(snapshot.counters[WATCH_OFFLOADED], 900);
	assert_int_equal(snapshot.queues, 2);
	assert_int_equal(snapshot.queue_dropped, 11);
	assert_string_equal(snapshot.fates[WATCH_NO_DAEMON], "passes");
	assert_string_equal(snapshot.fates[WATCH_KILLED], "waits, then passes");
	assert_string_equal(snapshot.fates[WATCH_STALLED], "");
	assert_string_equal(snapshot.offload, "in force");
	assert_int_equal(snapshot.warning_count, 7);
	assert_string_equal(snapshot.warnings[0], "packets pass unjudged at this moment");
	assert_string_equal(snapshot.warnings[1], "rules lack ?[2Jbypass");
	assert_string_equal(snapshot.warnings[2], "sub9, which the policy names, is not there");
	assert_string_equal(snapshot.warnings[3], "queue 101: gone");
	assert_string_equal(snapshot.warnings[4], "records cannot be written: No space");
	assert_string_equal(snapshot.warnings[5], "2 records are lost");
	json_decref(status);
}

static void answers_of_other_shapes_are_survived(void **state)
{
	static const char *const texts[] = {
		"{}", "[]", "{\"ledger\":3,\"workers\":{},\"kernel\":null,\"fail_modes\":[1]}",
		"{\"offenders\":[1,null,{\"packets\":-5,\"subscriber\":7}]}",
		"{\"offenders\":{},\"missing_interfaces\":[3]}"};
	char answers[WATCH_ANSWERS_MAX][WATCH_TEXT_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *answer = json_loads(texts[i], 0, NULL);
		struct watch_snapshot snapshot = {0};

		assert_non_null(answer);
		watch_read_status(answer, &snapshot);
		assert_int_equal(watch_read_offenders(answer, &snapshot), 0);
		assert_true(watch_read_explain(answer, answers) <= WATCH_ANSWERS_MAX);
		assert_int_equal(snapshot.counters[WATCH_PACKETS], 0);
		for (size_t j = 0; j < snapshot.offender_count; j++)
			assert_int_equal(snapshot.offenders[j].packets, 0);
		watch_snapshot_free(&snapshot);
		json_decref(answer);
	}
}

static void offenders_are_read(void **state)
{
	json_t *answer = json_pack("{s:[{s:s,s:i,s:i,s:i,s:i,s:b,s:b,s:s},{s:s}], s:i, s:i, s:i}",
				   "offenders", "subscriber", "198.51.100.7", "packets", 9, "attempts", 4,
				   "offloaded", 2, "destinations", 3, "destinations_exact", 1, "monitored", 1,
				   "reason", "pool-monitor", "subscriber", "2001:db8::/56", "subscribers", 12,
				   "looked", 11, "window_s", 60);
	struct watch_snapshot snapshot = {0};

	assert_non_null(answer);
	assert_int_equal(watch_read_offenders(answer, &snapshot), 0);
	assert_int_equal(snapshot.offender_count, 2);
	assert_string_equal(snapshot.offenders[0].subscriber, "198.51.100.7");
	assert_int_equal(snapshot.offenders[0].packets, 9);
	assert_int_equal(snapshot.offenders[0].destinations, 3);
	assert_true(snapshot.offenders[0].monitored && snapshot.offenders[0].destinations_exact);
	assert_string_equal(snapshot.offenders[1].subscriber, "2001:db8::/56");
	assert_int_equal(snapshot.subscribers, 12);
	watch_snapshot_free(&snapshot);
	json_decref(answer);
}

static void rates_are_what_two_looks_differ_in(void **state)
{
	struct watch_offender first[] = {offender("198.51.100.7", 100, 10, 1, "09:00:01")};
	struct watch_offender later[] = {offender("198.51.100.8", 30, 3, 1, "09:00:03"),
					 offender("198.51.100.7", 150, 11, 1, "09:00:03")};
	struct watch_model model = {0};
	struct watch_snapshot snapshot;

	take(&model, 10, first, 1);
	assert_false(model.has_rates);
	snapshot = snapshot_at(12, later, 2);
	snapshot.counters[WATCH_PACKETS] = 501;
	assert_int_equal(watch_model_take(&model, &snapshot), 0);
	assert_true(model.has_rates);
	assert_int_equal(model.rates[WATCH_PACKETS], 250500);
	assert_int_equal(model.history[WATCH_PACKETS][model.steps - 1], 250500);
	assert_string_equal(model.rows[0].offender->subscriber, "198.51.100.7");
	assert_int_equal(model.rows[0].packet_rate, 25000);
	assert_int_equal(model.rows[0].attempt_rate, 500);
	/* Who is new has sent all of it since the last look. */
	assert_int_equal(model.rows[1].packet_rate, 15000);
	/* A window that begins anew counts from nothing. */
	snprintf(later[1].since, sizeof(later[1].since), "2026-10-01T09:01:00+09:00");
	later[1].packets = 200;
	take(&model, 13, later, 2);
	assert_int_equal(model.rows[0].packet_rate, 200000);
	watch_model_free(&model);
}

static void another_process_has_no_rates(void **state)
{
	struct watch_model model = {0};
	struct watch_snapshot snapshot;

	take(&model, 1, NULL, 0);
	take(&model, 2, NULL, 0);
	assert_true(model.has_rates);
	snapshot = snapshot_at(3, NULL, 0);
	snapshot.pid = 78;
	assert_int_equal(watch_model_take(&model, &snapshot), 0);
	assert_false(model.has_rates);
	snapshot = snapshot_at(4, NULL, 0);
	snapshot.pid = 78;
	snapshot.of_daemon = false;
	assert_int_equal(watch_model_take(&model, &snapshot), 0);
	assert_false(model.has_rates);
	watch_model_free(&model);
}

static void history_is_bounded(void **state)
{
	struct watch_model model = {0};

	for (int64_t i = 0; i < 2 * WATCH_HISTORY; i++) {
		struct watch_snapshot snapshot = snapshot_at(i, NULL, 0);

		snapshot.counters[WATCH_BLOCKED] = (uint64_t)(i * i);
		assert_int_equal(watch_model_take(&model, &snapshot), 0);
	}
	assert_int_equal(model.steps, WATCH_HISTORY);
	/* i * i - (i - 1) * (i - 1), in thousandths */
	assert_int_equal(model.history[WATCH_BLOCKED][WATCH_HISTORY - 1],
			 (2 * (2 * WATCH_HISTORY - 1) - 1) * 1000);
	assert_int_equal(model.history[WATCH_BLOCKED][0], (2 * WATCH_HISTORY - 1) * 1000);
	watch_model_free(&model);
}

static const char *subscribers(const struct watch_model *model)
{
	static char text[LINE_MAX_COLUMNS];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < model->row_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
					model->rows[i].offender->subscriber);
	return text;
}

static void keys_sort_and_filter(void **state)
{
	struct watch_offender offenders[] = {offender("10.0.0.1", 5, 50, 3, "09:00:02"),
					     offender("10.0.0.2", 7, 10, 9, "09:00:01"),
					     offender("2001:db8::/56", 6, 20, 3, "09:00:09")};
	struct watch_model model = {0};

	take(&model, 1, offenders, 3);
	assert_string_equal(subscribers(&model), "10.0.0.2 2001:db8::/56 10.0.0.1");
	keys(&model, "A");
	assert_string_equal(subscribers(&model), "10.0.0.1 2001:db8::/56 10.0.0.2");
	keys(&model, "D");
	assert_string_equal(subscribers(&model), "10.0.0.2 10.0.0.1 2001:db8::/56");
	keys(&model, "T");
	assert_string_equal(subscribers(&model), "2001:db8::/56 10.0.0.1 10.0.0.2");
	keys(&model, "P/10.0.0.0/24");
	assert_int_equal(model.mode, WATCH_ASK_FILTER);
	watch_model_key(&model, WATCH_KEY_ENTER);
	assert_string_equal(subscribers(&model), "10.0.0.2 10.0.0.1");
	keys(&model, "/2001:db8:0:7::1");
	watch_model_key(&model, WATCH_KEY_ENTER);
	assert_string_equal(subscribers(&model), "2001:db8::/56");
	take(&model, 2, offenders, 3);
	assert_string_equal(subscribers(&model), "2001:db8::/56");
	keys(&model, "/nobodyx");
	watch_model_key(&model, WATCH_KEY_BACKSPACE);
	watch_model_key(&model, WATCH_KEY_ENTER);
	assert_string_equal(model.filter, "nobody");
	assert_int_equal(model.row_count, 0);
	assert_null(watch_model_selected(&model));
	assert_int_equal(watch_model_key(&model, WATCH_KEY_ENTER), WATCH_GO_ON);
	keys(&model, "/enforce");
	watch_model_key(&model, WATCH_KEY_ENTER);
	assert_int_equal(model.row_count, 3);
	keys(&model, "/lost");
	watch_model_key(&model, WATCH_KEY_ESCAPE);
	assert_string_equal(model.filter, "enforce");
	watch_model_key(&model, WATCH_KEY_ESCAPE);
	assert_string_equal(model.filter, "");
	watch_model_free(&model);
}

static void keys_before_the_first_look(void **state)
{
	struct watch_model model = {.interval_ms = 1000};

	for (int key = -1; key <= WATCH_KEY_RESIZE; key++) {
		watch_model_key(&model, key);
		watch_model_key(&model, WATCH_KEY_ESCAPE);
	}
	assert_int_equal(model.mode, WATCH_LIST);
	watch_model_free(&model);
}

static void keys_of_the_interval(void **state)
{
	struct watch_model model = {.interval_ms = 1000};

	keys(&model, "s2.5");
	assert_int_equal(watch_model_key(&model, WATCH_KEY_ENTER), WATCH_NEW_INTERVAL);
	assert_int_equal(model.interval_ms, 2500);
	keys(&model, "d0");
	assert_int_equal(watch_model_key(&model, WATCH_KEY_ENTER), WATCH_GO_ON);
	assert_string_equal(model.said, "the interval: 0.1 to 3600 seconds");
	assert_int_equal(model.interval_ms, 2500);
	keys(&model, "d");
	assert_int_equal(watch_model_key(&model, WATCH_KEY_ENTER), WATCH_GO_ON);
	assert_string_equal(model.said, "");
	keys(&model, "dq");
	assert_string_equal(model.prompt, "q");
	watch_model_key(&model, WATCH_KEY_ESCAPE);
	assert_int_equal(watch_model_key(&model, ' '), WATCH_REFRESH);
	assert_int_equal(watch_model_key(&model, 'c'), WATCH_COLOUR);
	assert_int_equal(watch_model_key(&model, 'h'), WATCH_GO_ON);
	/* As in other such programs, q goes back from a page, and quits from the list. */
	assert_int_equal(watch_model_key(&model, 'q'), WATCH_GO_ON);
	assert_int_equal(watch_model_key(&model, 'q'), WATCH_QUIT);
	watch_model_free(&model);
}

static void the_cursor_stays_with_the_subscriber(void **state)
{
	enum { COUNT = 30, PAGE = 10 };
	struct watch_offender offenders[COUNT];
	struct watch_model model = {0};

	for (unsigned i = 0; i < COUNT; i++) {
		char name[32];

		snprintf(name, sizeof(name), "10.0.0.%u", i + 1);
		offenders[i] = offender(name, 1000 - i, i, 1, "09:00:00");
	}
	take(&model, 1, offenders, COUNT);
	watch_model_fit(&model, PAGE);
	watch_model_key(&model, WATCH_KEY_PAGE_DOWN);
	watch_model_key(&model, WATCH_KEY_DOWN);
	watch_model_fit(&model, PAGE);
	assert_string_equal(watch_model_selected(&model)->offender->subscriber, "10.0.0.12");
	assert_int_equal(model.top, 2);
	keys(&model, "A");
	assert_string_equal(watch_model_selected(&model)->offender->subscriber, "10.0.0.12");
	assert_int_equal(model.cursor, COUNT - 12);
	/* He goes: the cursor stays at its place. */
	offenders[11] = offender("10.0.1.1", 1, 0, 1, "09:00:00");
	take(&model, 2, offenders, COUNT);
	assert_int_equal(model.cursor, COUNT - 12);
	watch_model_key(&model, WATCH_KEY_END);
	watch_model_fit(&model, PAGE);
	assert_int_equal(model.cursor, COUNT - 1);
	assert_int_equal(model.top, COUNT - PAGE);
	take(&model, 3, offenders, 3);
	watch_model_fit(&model, PAGE);
	assert_int_equal(model.cursor, 2);
	assert_int_equal(model.top, 0);
	watch_model_key(&model, WATCH_KEY_HOME);
	watch_model_key(&model, WATCH_KEY_UP);
	assert_int_equal(model.cursor, 0);
	watch_model_free(&model);
}

static void details_follow_one(void **state)
{
	struct watch_offender offenders[] = {offender("10.0.0.1", 5, 50, 3, "09:00:02"),
					     offender("10.0.0.2", 7, 10, 9, "09:00:01")};
	struct watch_model model = {0};
	struct watch_grid grid = {0};

	take(&model, 1, offenders, 2);
	watch_model_key(&model, WATCH_KEY_DOWN);
	assert_int_equal(watch_model_key(&model, WATCH_KEY_ENTER), WATCH_EXPLAIN);
	offenders[0].packets = 25;
	take(&model, 2, offenders, 2);
	assert_int_equal(model.followed_steps, 1);
	assert_int_equal(model.followed_history[0], 20000);
	assert_int_equal(watch_grid_clear(&grid, 24, 80), 0);
	watch_view(&model, &grid);
	assert_string_equal(line(&grid, 1), "10.0.0.1");
	assert_string_equal(line(&grid, 2), "packets       25");
	assert_string_equal(line(&grid, 5), "destinations  3");
	take(&model, 3, offenders + 1, 1);
	assert_null(watch_model_followed(&model));
	assert_int_equal(watch_grid_clear(&grid, 24, 80), 0);
	watch_view(&model, &grid);
	assert_string_equal(line(&grid, 2), "no more in the list: nothing of him was blocked for a while");
	watch_model_key(&model, WATCH_KEY_ESCAPE);
	assert_int_equal(model.mode, WATCH_LIST);
	watch_grid_free(&grid);
	watch_model_free(&model);
}

/* Two looks at a daemon with everything. */
static void fill(struct watch_model *model)
{
	struct watch_offender offenders[] = {offender("198.51.100.7", 1201, 401, 321, "09:01:00"),
					     offender("2001:db8:100:ab00::/56", 37, 13, 1, "09:01:20")};
	json_t *status = json_loads(status_text, 0, NULL);

	offenders[0].destinations_exact = false;
	assert_non_null(status);
	for (int64_t s = 1; s <= 2; s++) {
		struct watch_snapshot snapshot = snapshot_at(s, offenders, 2);

		watch_read_status(status, &snapshot);
		snprintf(snapshot.clock, sizeof(snapshot.clock), "10:15:00");
		snapshot.window_s = 60;
		snapshot.counters[WATCH_PACKETS] += s == 2 ? 1234 : 0;
		offenders[0].packets += 50;
		assert_int_equal(watch_model_take(model, &snapshot), 0);
	}
	model->interval_ms = 1000;
	json_decref(status);
}

static void the_screen_of_80_by_24(void **state)
{
	static const char *const wanted[] = {
		"op25b gw1: enforce, fail open, op25bd 0.1.0 up 1d 02:03:04              10:15:00",
		"WARNING: packets pass unjudged at this moment",
		"WARNING: rules lack ?[2Jbypass",
		"WARNING: sub9, which the policy names, is not there",
		"WARNING: queue 101: gone                                                    (+3)",
		"packets      1234/s                   # attempts        0/s                   _",
		"blocked         0/s                   _ accepted        0/s                   _",
		"by kernel       0/s                   _ records         0/s                   _",
		"queues    2: in flight 3, waiting 5, dropped full 11, socket 0, failed open 7",
		"if        passes: no daemon; ?: queue full, socket full, stalled; waits, then p+",
		"offload   in force; sources 4, packets 900, 58 % of those blocked",
		"records   20, lost 2, waiting 9 bytes; 2 subscribers, windows of 60 s",
		"SUBSCRIBER                PACKETS   PKT/S ATTEMPTS   DEST     LAST REASON",
		"198.51.100.7                 1251    50.0      401   ~321 09:01:00 pool-enforce",
		"2001:db8:100:ab00::/56         37       0       13      1 09:01:20 pool-enforce",
	};
	struct watch_model model = {0};
	struct watch_grid grid = {0};

	fill(&model);
	assert_int_equal(watch_grid_clear(&grid, 24, 80), 0);
	watch_view(&model, &grid);
	for (int i = 0; i < (int)(sizeof(wanted) / sizeof(wanted[0])); i++)
		assert_string_equal(line(&grid, i), wanted[i]);
	assert_string_equal(line(&grid, 23), "q quit  h help  by packets  every 1 s  2 of 2");
	assert_int_equal(grid.cells[13 * 80].style, WATCH_BAR);
	assert_int_equal(grid.cells[1 * 80].style, WATCH_BAD);
	watch_grid_free(&grid);
	watch_model_free(&model);
}

static void what_is_cut_is_said_to_be(void **state)
{
	struct watch_model model = {0};
	struct watch_grid grid = {0};
	int row = 0;

	fill(&model);
	model.now.of_daemon = false;
	snprintf(model.now.gateway, sizeof(model.now.gateway), "gw1");
	snprintf(model.now.origin, sizeof(model.now.origin),
		 "/srv/of-a-customer/with-a-long-name/and-one-more/var/log/op25b/events.json");
	assert_int_equal(watch_grid_clear(&grid, 24, 80), 0);
	watch_view(&model, &grid);
	assert_string_equal(
		line(&grid, 0),
		"op25b gw1 records of ...ong-name/and-one-more/var/log/op25b/events.json 10:15:00");
	watch_model_key(&model, 'h');
	assert_int_equal(watch_grid_clear(&grid, 24, 80), 0);
	watch_view(&model, &grid);
	assert_string_equal(line(&grid, 23), "any key: back to the list  space: look again");
	watch_model_key(&model, 'q');
	watch_model_key(&model, 'G');
	assert_int_equal(model.cursor, 1);
	watch_model_key(&model, 'k');
	assert_int_equal(model.cursor, 0);
	watch_model_key(&model, 'j');
	assert_int_equal(model.cursor, 1);
	watch_model_key(&model, 'g');
	assert_int_equal(model.cursor, 0);
	/* A long answer goes on in the next row. */
	watch_model_key(&model, WATCH_KEY_ENTER);
	model.answer_count = 1;
	memset(model.answers[0], 'x', 60);
	snprintf(model.answers[0] + 60, sizeof(model.answers[0]) - 60, " %s",
		 "and then words that do not fit");
	assert_int_equal(watch_grid_clear(&grid, 24, 80), 0);
	watch_view(&model, &grid);
	while (row < 22 && line(&grid, row)[0] != 'x')
		row++;
	assert_string_equal(line(&grid, row + 1), "do not fit");
	watch_model_key(&model, 'q');
	watch_model_key(&model, '/');
	watch_view(&model, &grid);
	assert_string_equal(line(&grid, 23), "show only (address, prefix, reason, pool, rule):");
	watch_grid_free(&grid);
	watch_model_free(&model);
}

static void nobody_blocked_is_said_with_the_last_record(void **state)
{
	struct watch_model model = {0};
	struct watch_grid grid = {0};
	bool told = false;

	take(&model, 1, NULL, 0);
	snprintf(model.now.newest, sizeof(model.now.newest), "2026-10-01 09:01:20");
	assert_int_equal(watch_grid_clear(&grid, 24, 80), 0);
	watch_view(&model, &grid);
	for (int i = 0; i < 24; i++)
		told = told ||
		       strcmp(line(&grid, i),
			      "nobody is blocked at this moment; the last record is of 2026-10-01 09:01:20") ==
			       0;
	assert_true(told);
	watch_grid_free(&grid);
	watch_model_free(&model);
}

/* Who is in the list, as the row that begins with him. */
static const char *row_of(struct watch_model *model, int columns, const char *subscriber)
{
	static struct watch_grid grid;

	assert_int_equal(watch_grid_clear(&grid, 24, columns), 0);
	watch_view(model, &grid);
	for (int i = 0; i < 24; i++) {
		const char *text = line(&grid, i);

		if (strstr(text, subscriber) == text) {
			watch_grid_free(&grid);
			return text;
		}
	}
	fail_msg("%s is in no row", subscriber);
	return "";
}

static void reasons_are_whole_where_there_is_room(void **state)
{
	struct watch_offender offenders[] = {offender("198.51.100.7", 9, 9, 9, "09:01:00"),
					     offender("2001:db8:1234:ab00::/56", 3, 3, 3, "09:01:00")};
	struct watch_model model = {0};

	snprintf(offenders[0].reason, sizeof(offenders[0].reason), "destination-enforce");
	take(&model, 1, offenders, 1);
	for (int columns = 80; columns <= 200; columns += 20)
		assert_non_null(strstr(row_of(&model, columns, "198.51.100.7"), " destination-enforce"));
	take(&model, 2, offenders, 2);
	assert_non_null(strstr(row_of(&model, 80, "198.51.100.7"), " destination+"));
	assert_non_null(strstr(row_of(&model, 80, "2001:db8:1234:ab00::/56"), " pool-enforce"));
	for (int columns = 90; columns <= 200; columns += 5)
		assert_non_null(strstr(row_of(&model, columns, "198.51.100.7"), " destination-enforce"));
	/* Of another day the time of day would be taken for today's. */
	snprintf(model.now.today, sizeof(model.now.today), "2026-10-01");
	assert_non_null(strstr(row_of(&model, 120, "198.51.100.7"), " 09:01:00 "));
	snprintf(model.now.today, sizeof(model.now.today), "2026-10-02");
	assert_non_null(strstr(row_of(&model, 120, "198.51.100.7"), "    10-01 "));
	watch_model_free(&model);
}

/* What matters most is there whatever the size; nothing is written where there is no place (AddressSanitizer). */
static void every_size_is_drawn(void **state)
{
	struct watch_model model = {.utf8 = true};
	struct watch_grid grid = {0};

	fill(&model);
	for (int rows = 1; rows <= 40; rows += rows < 12 ? 1 : 7)
		for (int columns = 1; columns <= 200; columns += columns < 12 ? 1 : 9)
			for (int mode = WATCH_LIST; mode <= WATCH_ASK_FILTER; mode++) {
				model.mode = (enum watch_mode)mode;
				assert_int_equal(watch_grid_clear(&grid, rows, columns), 0);
				watch_view(&model, &grid);
				for (int row = 0; row < rows; row++)
					(void)line(&grid, row);
				assert_int_equal(grid.cells[0].glyph, 'o');
			}
	model.mode = WATCH_LIST;
	assert_int_equal(watch_grid_clear(&grid, 5, 40), 0);
	watch_view(&model, &grid);
	assert_string_equal(line(&grid, 2), "198.51.100.7                       1251");
	watch_grid_free(&grid);
	watch_model_free(&model);
}

/* ---- records ---- */

static char *sample(void)
{
	FILE *file = fopen(RECORDS, "r");
	char *text = NULL;
	size_t size = 0;

	assert_non_null(file);
	assert_true(getdelim(&text, &size, '\0', file) > 0);
	fclose(file);
	return text;
}

static const struct watch_offender *find(const struct watch_snapshot *snapshot, const char *subscriber)
{
	for (size_t i = 0; i < snapshot->offender_count; i++)
		if (strcmp(snapshot->offenders[i].subscriber, subscriber) == 0)
			return &snapshot->offenders[i];
	fail_msg("%s is not there", subscriber);
	return NULL;
}

static void lines(struct watch_records *records, const char *text, int64_t now_us)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		watch_records_line(records, text, (size_t)(end - text), now_us);
}

static void records_are_summed_up(void **state)
{
	struct watch_records *records = watch_records_new();
	struct watch_snapshot snapshot = {0};
	char *text = sample();

	lines(records, text, 1);
	lines(records, "{\"half\n\x1b[2J\n{\"event_type\":\"dns\"}\n", 1);
	assert_int_equal(watch_records_snapshot(records, 2, &snapshot), 0);
	assert_int_equal(snapshot.counters[WATCH_RECORDS], 12);
	assert_int_equal(snapshot.counters[WATCH_PACKETS], 1952);
	assert_int_equal(snapshot.counters[WATCH_BLOCKED], 1948);
	assert_int_equal(snapshot.counters[WATCH_OFFLOADED], 800);
	assert_false(snapshot.known[WATCH_ACCEPTED]);
	assert_int_equal(snapshot.offender_count, 4);
	assert_int_equal(find(&snapshot, "198.51.100.7")->packets, 1201);
	assert_int_equal(find(&snapshot, "198.51.100.7")->attempts, 401);
	assert_int_equal(find(&snapshot, "198.51.100.7")->destinations, 321);
	assert_false(find(&snapshot, "198.51.100.7")->destinations_exact);
	assert_int_equal(find(&snapshot, "2001:db8:100::/56")->destinations, 1);
	assert_true(find(&snapshot, "2001:db8:100::/56")->destinations_exact);
	assert_true(find(&snapshot, "198.51.96.9")->monitored);
	assert_string_equal(find(&snapshot, "198.51.100.200")->pool, "a\"b?[31m<b>");
	assert_int_equal(snapshot.warning_count, 2);
	assert_string_equal(snapshot.warnings[0], "700 packets of subscribers who are not told apart");
	assert_string_equal(snapshot.warnings[1], "2 lines are no records");
	watch_snapshot_free(&snapshot);
	watch_records_free(records);
	free(text);
}

static void who_is_silent_is_forgotten(void **state)
{
	struct watch_records *records = watch_records_new();
	struct watch_snapshot snapshot = {0};
	char *text = sample();

	lines(records, text, 0);
	text[strcspn(text, "\n") + 1] = '\0';
	lines(records, text, 500 * SECOND_US);
	assert_int_equal(watch_records_snapshot(records, 599 * SECOND_US, &snapshot), 0);
	assert_int_equal(snapshot.offender_count, 4);
	assert_int_equal(watch_records_snapshot(records, 600 * SECOND_US, &snapshot), 0);
	assert_int_equal(snapshot.offender_count, 1);
	assert_int_equal(find(&snapshot, "198.51.100.7")->packets, 1202);
	watch_snapshot_free(&snapshot);
	watch_records_free(records);
	free(text);
}

/* A record of 198.51.100.7 whose only packet was that many minutes after 2026-10-01 00:00 UTC. */
static void line_of_minute(struct watch_records *records, unsigned minute, int64_t now_us)
{
	char *text = sample(), moment[32], *at = text;

	text[strcspn(text, "\n") + 1] = '\0';
	snprintf(moment, sizeof(moment), "2026-10-01T%02u:%02u:00.", minute / 60, minute % 60);
	while ((at = strstr(at, "2026-10-01T"))) {
		memcpy(at, moment, strlen(moment));
		at++;
	}
	lines(records, text, now_us);
	free(text);
}

/* Read hours later, a record is as old as it is; who comes back begins anew. */
static void silence_is_told_by_the_records(void **state)
{
	const int64_t midnight_us = INT64_C(1790780400) * SECOND_US, minute_us = 60 * SECOND_US;
	struct watch_records *records = watch_records_new();
	struct watch_snapshot snapshot = {0};

	line_of_minute(records, 30, midnight_us + 720 * minute_us);
	assert_int_equal(watch_records_snapshot(records, midnight_us + 720 * minute_us, &snapshot), 0);
	assert_int_equal(snapshot.offender_count, 0);
	assert_int_equal(snapshot.counters[WATCH_RECORDS], 1);
	assert_int_equal(strncmp(snapshot.newest, "2026-", 5), 0);
	assert_int_equal(strlen(snapshot.newest), strlen("2026-10-01 00:30:00"));
	line_of_minute(records, 40, midnight_us + 800 * minute_us);
	line_of_minute(records, 790, midnight_us + 800 * minute_us);
	line_of_minute(records, 798, midnight_us + 800 * minute_us);
	assert_int_equal(watch_records_snapshot(records, midnight_us + 800 * minute_us, &snapshot), 0);
	assert_int_equal(snapshot.offender_count, 1);
	assert_int_equal(find(&snapshot, "198.51.100.7")->packets, 2);
	assert_int_equal(watch_records_snapshot(records, midnight_us + 809 * minute_us, &snapshot), 0);
	assert_int_equal(snapshot.offender_count, 0);
	watch_snapshot_free(&snapshot);
	watch_records_free(records);
}

/* A notice that nothing followed is no news after hours. */
static void old_notices_have_their_time(void **state)
{
	static const char notice[] =
		"{\"timestamp\":\"2026-10-01T00:30:00.000000+0900\",\"log_level\":\"Warning\",\"event_type\":\"engine\","
		"\"host\":\"gw1\",\"engine\":{\"message\":\"packets pass\"},\"op25b\":{\"schema\":1,"
		"\"boot_id\":\"1f0e7a52-60a4-4c30-9d27-0f6f4b2f6c11\",\"seq\":7,\"kind\":\"failed-open\",\"state\":\"begin\","
		"\"fail\":\"open\",\"begin\":\"2026-10-01T00:30:00.000000+0900\",\"unjudged\":0,\"unjudged_exact\":true,"
		"\"queue_full\":0,\"buffer_full\":0,\"policy\":\"3fa85f64f22d\"}}\n";
	const int64_t at_us = INT64_C(1790782200) * SECOND_US;
	struct watch_records *records = watch_records_new();
	struct watch_snapshot snapshot = {0};

	lines(records, notice, at_us);
	assert_int_equal(watch_records_snapshot(records, at_us + 599 * SECOND_US, &snapshot), 0);
	assert_int_equal(snapshot.warning_count, 1);
	assert_string_equal(snapshot.warnings[0], "packets pass");
	assert_int_equal(watch_records_snapshot(records, at_us + 600 * SECOND_US, &snapshot), 0);
	assert_int_equal(snapshot.warning_count, 2);
	assert_memory_equal(snapshot.warnings[1], "told at 2026-", strlen("told at 2026-"));
	assert_non_null(strstr(snapshot.warnings[1], "0:00: packets pass"));
	watch_snapshot_free(&snapshot);
	watch_records_free(records);
}

/* 17 packets of one record: 12 let through by "static", 5 reset by "bigmail". */
static const char of_two_rules[] =
	"{\"timestamp\":\"2026-10-01T00:04:24.783799+0000\",\"event_type\":\"drop\",\"host\":\"gw1\",\"src_ip\":\"172.16.0.1\","
	"\"src_port\":46043,\"dest_ip\":\"198.19.0.198\",\"dest_port\":25,\"ip_v\":4,\"proto\":\"TCP\",\"op25b\":{\"schema\":1,"
	"\"boot_id\":\"2fbda35a-0c0b-46dd-999e-2aadfe1692e9\",\"seq\":7,\"kind\":\"summary\",\"subscriber\":\"172.16.0.1\","
	"\"pool\":\"static\",\"rule\":\"bigmail\",\"rule_kind\":\"destination\",\"reason\":\"destination-enforce\","
	"\"reasons\":{\"pool-monitor\":12,\"destination-enforce\":5},\"verdict\":\"reset\",\"monitored\":false,\"attempts\":6,"
	"\"packets\":17,\"packets_blocked\":5,\"first_seen\":\"2026-10-01T00:00:07.961385+0000\","
	"\"last_seen\":\"2026-10-01T00:04:36.076241+0000\",\"window_s\":300,\"distinct_destinations\":1,"
	"\"distinct_destinations_exact\":true,\"destinations\":[\"198.19.0.198\"],\"policy\":\"11112222333344445555666677778888\","
	"\"rules\":[{\"rule\":\"bigmail\",\"rule_kind\":\"destination\",\"pool\":\"static\",\"verdict\":\"reset\",\"monitored\":false,"
	"\"attempts\":1,\"packets\":5,\"policy\":\"11112222333344445555666677778888\"},{\"rule\":\"static\",\"rule_kind\":\"pool\","
	"\"pool\":\"static\",\"verdict\":\"reset\",\"monitored\":true,\"attempts\":5,\"packets\":12,"
	"\"policy\":\"11112222333344445555666677778888\"}]}}\n";

static void a_filter_takes_its_part_of_a_record(void **state)
{
	static const struct {
		struct watch_filter only;
		uint64_t packets, blocked, attempts; /* packets 0: none of it passes */
	} rows[] = {
		{{.min_attempts = 0}, 17, 5, 6},
		{{.pool = "static"}, 17, 5, 6},
		{{.rule = "bigmail"}, 5, 5, 1},
		{{.rule = "static"}, 12, 0, 5},
		{{.reason = "destination-enforce"}, 5, 5, 2},
		{{.reason = "pool-monitor"}, 12, 0, 4},
		{{.rule = "static", .reason = "pool-monitor"}, 12, 0, 5},
		{{.rule = "other"}, 0, 0, 0},
		{{.pool = "other", .rule = "static"}, 0, 0, 0},
		{{.reason = "pool-enforce"}, 0, 0, 0},
		{{.host = "gw2"}, 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct watch_records *records = watch_records_new();
		struct watch_snapshot snapshot = {0};

		watch_records_only(records, &rows[i].only);
		lines(records, of_two_rules, 1);
		assert_int_equal(watch_records_snapshot(records, 2, &snapshot), 0);
		assert_int_equal(snapshot.counters[WATCH_RECORDS], rows[i].packets > 0);
		assert_int_equal(snapshot.counters[WATCH_PACKETS], rows[i].packets);
		assert_int_equal(snapshot.counters[WATCH_BLOCKED], rows[i].blocked);
		assert_int_equal(snapshot.counters[WATCH_ATTEMPTS], rows[i].attempts);
		if (rows[i].packets > 0) {
			assert_int_equal(find(&snapshot, "172.16.0.1")->monitored, rows[i].blocked == 0);
			assert_true(watch_filter_offender(&rows[i].only, find(&snapshot, "172.16.0.1")));
		}
		watch_snapshot_free(&snapshot);
		watch_records_free(records);
	}
}

/* ---- a file that grows ---- */

static void append(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

/* How many records have been read by now. */
static uint64_t read_all(struct watch_tail *tail, struct watch_records *records, const char **ret_warning)
{
	static struct watch_snapshot snapshot;
	bool more = true;
	uint64_t count;

	for (int i = 0; more && i < 1000; i++)
		assert_int_equal(watch_tail_read(tail, records, 1, &more), 0);
	snapshot.warning_count = 0;
	assert_int_equal(watch_records_snapshot(records, 1, &snapshot), 0);
	count = snapshot.counters[WATCH_RECORDS];
	*ret_warning = snapshot.warning_count > 1 ? snapshot.warnings[1] : "";
	watch_snapshot_free(&snapshot);
	return count;
}

static void a_file_is_followed_over_rotation(void **state)
{
	char directory[] = "/tmp/op25b-watch-XXXXXX", path[64], renamed[64], *text = sample();
	struct watch_records *records = watch_records_new();
	size_t len = strlen(text), half = len / 2;
	struct watch_tail *tail;
	const char *warning;
	bool more;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/events.json", directory);
	snprintf(renamed, sizeof(renamed), "%s/events.json.1", directory);
	tail = watch_tail_new(path);
	assert_int_equal(watch_tail_read(tail, records, 1, &more), -ENOENT);
	append(path, text, half);
	assert_true(read_all(tail, records, &warning) < 12);
	append(path, text + half, len - half);
	assert_int_equal(read_all(tail, records, &warning), 12);
	/* The daemon still writes to the renamed file. */
	assert_int_equal(rename(path, renamed), 0);
	append(renamed, text, len);
	assert_int_equal(read_all(tail, records, &warning), 24);
	append(renamed, text, len);
	append(path, text, len);
	assert_int_equal(read_all(tail, records, &warning), 48);
	/* Cut short, and written anew. */
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(read_all(tail, records, &warning), 48);
	append(path, text, len);
	assert_int_equal(read_all(tail, records, &warning), 60);
	assert_string_equal(warning, "");
	watch_tail_free(tail);
	watch_records_free(records);
	unlink(path);
	unlink(renamed);
	rmdir(directory);
	free(text);
}

static void long_lines_and_no_files(void **state)
{
	enum { LONG = 5 << 20 };
	char directory[] = "/tmp/op25b-watch-XXXXXX", path[64], *text = sample(), *junk = malloc(LONG);
	struct watch_records *records = watch_records_new();
	struct watch_tail *tail;
	const char *warning;
	bool more;

	assert_non_null(mkdtemp(directory));
	tail = watch_tail_new(directory);
	assert_int_equal(watch_tail_read(tail, records, 1, &more), -EISDIR);
	watch_tail_free(tail);
	snprintf(path, sizeof(path), "%s/events.json", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	tail = watch_tail_new(path);
	assert_int_equal(watch_tail_read(tail, records, 1, &more), -EINVAL);
	unlink(path);
	append(path, text, strlen(text));
	assert_int_equal(read_all(tail, records, &warning), 12);
	assert_non_null(junk);
	memset(junk, 'x', LONG);
	append(path, junk, LONG);
	append(path, "\n", 1);
	append(path, text, strlen(text));
	assert_int_equal(read_all(tail, records, &warning), 24);
	assert_string_equal(warning, "1 line is no record");
	watch_tail_free(tail);
	/* Of a file that is long already only the end is read. */
	tail = watch_tail_new(path);
	assert_int_equal(read_all(tail, records, &warning), 36);
	watch_tail_free(tail);
	watch_records_free(records);
	unlink(path);
	rmdir(directory);
	free(junk);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_from_elsewhere_are_made_printable),
		cmocka_unit_test(numbers_fit),
		cmocka_unit_test(curves_have_the_newest_at_the_right),
		cmocka_unit_test(intervals),
		cmocka_unit_test(status_is_read),
		cmocka_unit_test(answers_of_other_shapes_are_survived),
		cmocka_unit_test(offenders_are_read),
		cmocka_unit_test(rates_are_what_two_looks_differ_in),
		cmocka_unit_test(another_process_has_no_rates),
		cmocka_unit_test(history_is_bounded),
		cmocka_unit_test(keys_sort_and_filter),
		cmocka_unit_test(keys_before_the_first_look),
		cmocka_unit_test(keys_of_the_interval),
		cmocka_unit_test(the_cursor_stays_with_the_subscriber),
		cmocka_unit_test(details_follow_one),
		cmocka_unit_test(the_screen_of_80_by_24),
		cmocka_unit_test(what_is_cut_is_said_to_be),
		cmocka_unit_test(reasons_are_whole_where_there_is_room),
		cmocka_unit_test(nobody_blocked_is_said_with_the_last_record),
		cmocka_unit_test(every_size_is_drawn),
		cmocka_unit_test(records_are_summed_up),
		cmocka_unit_test(who_is_silent_is_forgotten),
		cmocka_unit_test(silence_is_told_by_the_records),
		cmocka_unit_test(old_notices_have_their_time),
		cmocka_unit_test(a_filter_takes_its_part_of_a_record),
		cmocka_unit_test(a_file_is_followed_over_rotation),
		cmocka_unit_test(long_lines_and_no_files),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
