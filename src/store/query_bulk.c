/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where most records lie in time: a gateway whose clock was wrong leaves some that are years away from all others. */
#include "store/question.h"

#include "base/vec.h"

#include <stdlib.h>

/* Days without a long pause between them. */
struct cluster {
	int64_t first, last; /* days */
	int64_t records;
};

struct clusters {
	struct cluster *list;
	size_t count, capacity;
};

static int64_t day_of(int64_t us)
{
	return question_floor(us, STORE_DAY_US);
}

static bool add_day(struct clusters *clusters, int64_t day, int64_t pause_days)
{
	struct cluster *last = clusters->count > 0 ? &clusters->list[clusters->count - 1] : NULL;

	if (last && day - last->last <= pause_days) {
		last->last = day;
		return true;
	}
	if (!VEC_RESERVE(clusters->list, clusters->capacity, clusters->count + 1))
		return false;
	clusters->list[clusters->count++] = (struct cluster){.first = day, .last = day};
	return true;
}

/* The days with rows are found one from the other: there are few of them, but may be millions of rows. */
static int find_clusters(struct question *question, int64_t pause_days, struct clusters *ret)
{
	static const char sql[] =
		"WITH RECURSIVE step(at) AS (SELECT min(day) FROM day WHERE day >= ?1 AND day <= ?2 UNION ALL"
		" SELECT (SELECT min(day) FROM day WHERE day > step.at AND day <= ?2) FROM step WHERE step.at IS NOT NULL)"
		" SELECT at FROM step WHERE at IS NOT NULL";
	const struct store_filter *filter = question->filter;
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(question->store, sql, &statement);

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, day_of(filter->since_us));
	(void)sqlite3_bind_int64(statement, 2, day_of(filter->until_us - (filter->until_us > INT64_MIN)));
	while ((r = question_step(question, statement)) > 0)
		if (!add_day(ret, sqlite3_column_int64(statement, 0), pause_days))
			return question_no_memory(question);
	return r;
}

static int count_records(struct question *question, struct clusters *clusters)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(question->store, "SELECT sum(records) FROM day WHERE day BETWEEN ?1 AND ?2",
			      &statement);

	for (size_t i = 0; r >= 0 && i < clusters->count; i++) {
		(void)sqlite3_reset(statement);
		(void)sqlite3_bind_int64(statement, 1, clusters->list[i].first);
		(void)sqlite3_bind_int64(statement, 2, clusters->list[i].last);
		r = question_step(question, statement);
		clusters->list[i].records = r > 0 ? sqlite3_column_int64(statement, 0) : 0;
	}
	return r < 0 ? r : 0;
}

static int64_t distance(const struct cluster *cluster, int64_t day)
{
	return day < cluster->first ? cluster->first - day : day > cluster->last ? day - cluster->last : 0;
}

static const struct cluster *find_greatest(const struct clusters *clusters, int64_t today)
{
	const struct cluster *greatest = &clusters->list[0];

	for (size_t i = 1; i < clusters->count; i++) {
		const struct cluster *cluster = &clusters->list[i];

		if (cluster->records > greatest->records ||
		    (cluster->records == greatest->records &&
		     distance(cluster, today) < distance(greatest, today)))
			greatest = cluster;
	}
	return greatest;
}

int store_bulk(struct store *store, const struct store_filter *filter, uint32_t pause_days, int64_t now_us,
	       int64_t *ret_since_us, int64_t *ret_until_us)
{
	const struct store_filter all = {.since_us = filter->since_us, .until_us = filter->until_us};
	const struct cluster *greatest;
	struct clusters clusters = {0};
	struct question question;
	int r = question_begin(&question, store, &all);

	r = r < 0 ? r : find_clusters(&question, pause_days, &clusters);
	if (r == 0 && clusters.count > 1)
		r = count_records(&question, &clusters);
	if (r == 0 && clusters.count > 1) {
		greatest = find_greatest(&clusters, day_of(now_us));
		if (greatest != &clusters.list[0])
			*ret_since_us = greatest->first * STORE_DAY_US;
		if (greatest != &clusters.list[clusters.count - 1])
			*ret_until_us = (greatest->last + 1) * STORE_DAY_US;
	}
	free(clusters.list);
	return question_end(&question, r);
}
