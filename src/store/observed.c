/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/observed.h"

#include "store/database.h"
#include "store/question.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Which gateway a way is of: places in the list of gateways, by the way's number. */
struct hosts {
	struct observed *observed;
	size_t *places;
	size_t count, capacity;
	size_t silent; /* gateways of which no record was met yet */
};

#define NO_GATEWAY SIZE_MAX

const struct observed_gateway *observed_find(const struct observed *observed, const char *host)
{
	for (size_t i = 0; i < observed->count; i++)
		if (strcmp(observed->gateways[i].host, host) == 0)
			return &observed->gateways[i];
	return NULL;
}

void observed_free(struct observed *observed)
{
	for (size_t i = 0; i < observed->count; i++) {
		free(observed->gateways[i].host);
		free(observed->gateways[i].pauses);
	}
	free(observed->gateways);
	*observed = (struct observed){0};
}

static struct observed_gateway *gateway_of(struct observed *observed, const char *host)
{
	const struct observed_gateway *known = observed_find(observed, host);
	struct observed_gateway *added;

	if (known)
		return &observed->gateways[known - observed->gateways];
	if (!VEC_RESERVE(observed->gateways, observed->capacity, observed->count + 1))
		return NULL;
	added = &observed->gateways[observed->count];
	*added = (struct observed_gateway){.host = strdup(host), .latest_us = INT64_MIN};
	if (!added->host)
		return NULL;
	observed->count++;
	return added;
}

/* ---- records ---- */

static int keep_way(struct hosts *hosts, int64_t way, const char *host)
{
	const struct observed_gateway *gateway = gateway_of(hosts->observed, host);
	size_t count = hosts->count;

	if (!gateway || way < 0 || !VEC_RESERVE(hosts->places, hosts->capacity, (size_t)way + 1))
		return -ENOMEM;
	for (; count <= (size_t)way; count++)
		hosts->places[count] = NO_GATEWAY;
	hosts->count = count;
	hosts->places[way] = (size_t)(gateway - hosts->observed->gateways);
	return 0;
}

static int read_ways(struct store *store, struct hosts *hosts)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(
		store, "SELECT w.id, h.text FROM way AS w JOIN name AS h ON h.id = w.host ORDER BY w.id",
		&statement);
	int step = SQLITE_DONE;

	while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *host = (const char *)sqlite3_column_text(statement, 1);

		r = host ? keep_way(hosts, sqlite3_column_int64(statement, 0), host) : -ENOMEM;
	}
	hosts->silent = hosts->observed->count;
	return r == 0 && step != SQLITE_DONE ? store_failed(store) : r;
}

static void take_time(struct hosts *hosts, int64_t way, int64_t last_us)
{
	size_t place =
		way >= 0 && (uint64_t)way < hosts->count ? hosts->places[(size_t)way] : (size_t)NO_GATEWAY;
	struct observed_gateway *gateway;

	if (place == NO_GATEWAY)
		return;
	gateway = &hosts->observed->gateways[place];
	hosts->silent -= gateway->latest_us == INT64_MIN;
	if (last_us > gateway->latest_us)
		gateway->latest_us = last_us;
}

static int read_day(struct store *store, sqlite3_stmt *statement, int64_t day, int64_t now_us,
		    struct hosts *hosts)
{
	int step;

	(void)sqlite3_reset(statement);
	(void)sqlite3_bind_int64(statement, 1, day);
	(void)sqlite3_bind_int64(statement, 2, now_us);
	while ((step = sqlite3_step(statement)) == SQLITE_ROW)
		take_time(hosts, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1));
	return step == SQLITE_DONE ? 0 : store_failed(store);
}

/* 1: there is one, in *ret. */
static int day_before(struct store *store, sqlite3_stmt *statement, int64_t day, int64_t *ret)
{
	(void)sqlite3_reset(statement);
	(void)sqlite3_bind_int64(statement, 1, day);
	if (sqlite3_step(statement) != SQLITE_ROW)
		return store_failed(store);
	*ret = sqlite3_column_int64(statement, 0);
	return sqlite3_column_type(statement, 0) != SQLITE_NULL;
}

/* From the latest day back until all have been met: mostly that is the first one. */
static int read_days(struct store *store, int64_t now_us, struct hosts *hosts)
{
	sqlite3_stmt *before CLEANUP_STATEMENT = NULL, *rows CLEANUP_STATEMENT = NULL;
	int64_t day = question_floor(now_us, STORE_DAY_US) + 1;
	int r = store_prepare(store, "SELECT max(day) FROM day WHERE day < ?1", &before);

	r = r < 0 ? r
		  : store_prepare(store, "SELECT way, last FROM day WHERE day = ?1 AND last <= ?2", &rows);
	while (r == 0 && hosts->silent > 0) {
		r = day_before(store, before, day, &day);
		if (r <= 0)
			break;
		r = read_day(store, rows, day, now_us, hosts);
	}
	return r;
}

static int read_records(struct store *store, int64_t now_us, struct observed *ret)
{
	struct hosts hosts = {.observed = ret};
	int r = read_ways(store, &hosts);

	r = r < 0 ? r : read_days(store, now_us, &hosts);
	free(hosts.places);
	return r;
}

/* ---- notices ---- */

struct notices {
	struct observed *observed;
	int64_t now_us;
};

/* One whose end was never told is over where the gateway says something else: its daemon was started again. */
static void end_pause(struct observed_gateway *gateway, int64_t us)
{
	struct observed_pause *last =
		gateway->pause_count > 0 ? &gateway->pauses[gateway->pause_count - 1] : NULL;

	if (last && last->last_us == INT64_MAX)
		last->last_us = us > last->first_us ? us : last->first_us;
}

/* Packets that were dropped unjudged are in no record either. */
static bool is_of_a_period(const char *what)
{
	static const char *const names[] = {"failed-open", "failed-closed", "absent"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], what) == 0)
			return true;
	return false;
}

static int take_notice(void *context, const struct store_notice *notice)
{
	struct notices *notices = context;
	struct observed_gateway *gateway = gateway_of(notices->observed, notice->host);
	bool begins = strcmp(notice->state, "begin") == 0;

	if (!gateway)
		return -ENOMEM;
	if (notice->time_us <= notices->now_us && notice->time_us > gateway->latest_us)
		gateway->latest_us = notice->time_us;
	end_pause(gateway, notice->time_us);
	if (!is_of_a_period(notice->what))
		return 0;
	if (!VEC_RESERVE(gateway->pauses, gateway->pause_capacity, gateway->pause_count + 1))
		return -ENOMEM;
	gateway->pauses[gateway->pause_count++] =
		(struct observed_pause){notice->first_us, begins ? INT64_MAX : notice->last_us};
	return 0;
}

static int compare_pauses(const void *a, const void *b)
{
	const struct observed_pause *left = a, *right = b;

	return (left->first_us > right->first_us) - (left->first_us < right->first_us);
}

int store_observed(struct store *store, int64_t now_us, struct observed *ret)
{
	const struct store_filter all = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	struct notices notices = {ret, now_us};
	int r;

	*ret = (struct observed){0};
	r = read_records(store, now_us, ret);
	r = r < 0 ? r : store_notices(store, &all, take_notice, &notices);
	for (size_t i = 0; r == 0 && i < ret->count; i++)
		if (ret->gateways[i].pause_count > 0)
			qsort(ret->gateways[i].pauses, ret->gateways[i].pause_count,
			      sizeof(*ret->gateways[i].pauses), compare_pauses);
	return r == -ENOMEM && store->error[0] == '\0' ? store_say(store, ENOMEM, "not enough memory") : r;
}

int64_t observed_unjudged(const struct observed_gateway *gateway, int64_t since_us)
{
	int64_t sum_us = 0, at_us = since_us;

	for (size_t i = 0; i < gateway->pause_count; i++) {
		const struct observed_pause *pause = &gateway->pauses[i];
		int64_t first_us = pause->first_us > at_us ? pause->first_us : at_us;
		int64_t last_us = pause->last_us < gateway->latest_us ? pause->last_us : gateway->latest_us;

		if (last_us <= first_us)
			continue;
		sum_us += last_us - first_us;
		at_us = last_us;
	}
	return sum_us;
}
