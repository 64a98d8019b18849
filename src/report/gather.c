/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/gather.h"

#include "report/evidence.h"
#include "report/gathered.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US  INT64_C(1000000)
#define DAY_US     (86400 * SECOND_US)
#define PERIOD_MAX (36600 * DAY_US)

enum {
	BUCKETS = 100,         /* of the timeline, or less */
	FRESH = 20,            /* rows of those first seen in the last day */
	GROUPS = 40,           /* rows of pools, rules and reasons */
	DESTINATIONS = 20,     /* rows of the most frequent ones */
	KNOWN = 24,            /* destinations listed of one subscriber */
	LISTED_LEAST = 10,     /* subscribers whose destinations are listed in any case */
	LISTED_MOST = 100,     /* however few records there are */
	LOOKED_MOST = 5000000, /* records looked at for that */
	LONG_DAYS = 400,       /* of longer periods the timeline shows the part with records */
	HOUR_S = 3600,
	ENOUGH = 1,              /* ends a question */
	FIRST_WEEKDAY_SHIFT = 3, /* 1970-01-01 was a Thursday, and weeks begin on Mondays here */
};

/* A copy that lives as long as the report. "" without memory, which is told at the end. */
const char *report_gathered_text(struct report_gathered *gathered, const char *text)
{
	char *copy;

	if (!*text)
		return "";
	copy = strdup(text);
	if (!copy || !VEC_RESERVE(gathered->texts, gathered->text_capacity, gathered->text_count + 1)) {
		free(copy);
		gathered->no_memory = true;
		return "";
	}
	gathered->texts[gathered->text_count++] = copy;
	return copy;
}

static struct report_sums sums_of(const struct store_sums *sums, uint64_t subscribers)
{
	return (struct report_sums){sums->records, sums->packets, sums->blocked, sums->attempts, subscribers};
}

/* ---- subscribers ---- */

static void fill_talker(struct report_gathered *gathered, const struct store_talker *row,
			struct report_talker *ret)
{
	static const enum report_class classes[] = {[TRIAGE_UNKNOWN] = REPORT_UNKNOWN,
						    [TRIAGE_BOT] = REPORT_BOT,
						    [TRIAGE_CLIENT] = REPORT_CLIENT,
						    [TRIAGE_SERVER] = REPORT_SERVER};
	char japanese[EVIDENCE_TEXT_MAX];
	struct triage triage;

	triage_judge(row, gathered->question->limits, &triage);
	*ret = (struct report_talker){
		.subscriber = row->subscriber,
		.sums = sums_of(&row->sums, 1),
		.host = report_gathered_text(gathered, row->way.host),
		.pool = report_gathered_text(gathered, row->way.pool),
		.rule = report_gathered_text(gathered, row->way.rule),
		.reason = report_gathered_text(gathered, row->way.reason),
		.several_ways = row->several_ways,
		.first_us = row->sums.first_us,
		.last_us = row->sums.last_us,
		.ever_first_us = row->ever_first_us,
		.destinations = row->destinations,
		.destinations_exact = row->destinations_exact,
		.clock_hours = row->clock_hours,
		.hours_active = row->hours_active,
		.busiest_hour = row->busiest_hour,
		.class = classes[triage.class],
		.evidence = {[REPORT_ENGLISH] = report_gathered_text(gathered, triage.evidence),
			     [REPORT_JAPANESE] = report_gathered_text(
				     gathered,
				     evidence_japanese(&triage, gathered->question->limits, japanese))},
	};
}

struct talker_taking {
	struct report_gathered *gathered;
	struct gathered_talkers *into;
	uint64_t most;          /* rows */
	int64_t least_first_us; /* who was seen before is none of them */
	uint64_t met;           /* of those, however many are kept */
};

static int take_talker(void *context, const struct store_talker *row)
{
	struct talker_taking *taking = context;
	struct gathered_talkers *into = taking->into;

	if (taking->least_first_us != INT64_MIN &&
	    (row->subscriber.addr.family == ADDR_NONE || row->ever_first_us < taking->least_first_us))
		return 0;
	taking->met++;
	if (into->count >= taking->most)
		return 0;
	if (!VEC_RESERVE(into->rows, into->capacity, into->count + 1))
		return -ENOMEM;
	fill_talker(taking->gathered, row, &into->rows[into->count++]);
	return 0;
}

struct known {
	struct addr *items;
	size_t count;
};

static int take_known(void *context, const struct addr *destination)
{
	struct known *known = context;

	if (known->count == KNOWN)
		return ENOUGH;
	known->items[known->count++] = *destination;
	return 0;
}

/* The last day on which the subscriber was seen: a record bears a time up to a window after its last packet. */
static struct store_filter last_day_of(const struct store_filter *filter, const struct report_talker *talker)
{
	struct store_filter day = *filter;

	if (talker->last_us - DAY_US > filter->since_us && talker->last_us <= filter->until_us)
		day.since_us = talker->last_us - DAY_US;
	if (talker->last_us + DAY_US < filter->until_us && talker->last_us >= filter->since_us)
		day.until_us = talker->last_us + DAY_US;
	day.min_attempts = 0;
	return day;
}

static int ask_known(struct store *store, const struct store_filter *filter, struct report_talker *talker)
{
	struct store_filter day = last_day_of(filter, talker);
	CLEANUP_FREE struct addr *items = NULL;
	struct known known = {0};
	bool more = false;
	int r;

	if (talker->subscriber.addr.family == ADDR_NONE)
		return 0;
	items = calloc(KNOWN, sizeof(*items));
	if (!items)
		return -ENOMEM;
	known.items = items;
	r = store_subscriber_destinations(store, &talker->subscriber, &day, take_known, &known, &more);
	if (r < 0)
		return r;
	talker->known_count = known.count;
	talker->known_more = known.count > 0 && (more || r == ENOUGH || known.count < talker->destinations);
	talker->known = TAKE_PTR(items);
	return 0;
}

/*
 * Each of these questions looks at all records of a day. In a store of very many only the first subscribers' destinations
 * are listed, so that the page does not take minutes.
 */
static size_t listed_most(const struct report *report)
{
	double days = (double)(report->until_us - report->since_us) / (double)DAY_US;
	double of_a_day = (double)report->totals.records / (days > 1 ? days : 1);
	double most = LOOKED_MOST / (of_a_day + 1);

	if (most > LISTED_MOST)
		return LISTED_MOST;
	return most < LISTED_LEAST ? LISTED_LEAST : (size_t)most;
}

static int ask_all_known(struct store *store, const struct store_filter *filter, const struct report *report,
			 struct gathered_talkers *talkers)
{
	size_t most = listed_most(report);
	int r = 0;

	for (size_t i = 0; i < talkers->count && i < most && r == 0; i++)
		r = ask_known(store, filter, &talkers->rows[i]);
	return r;
}

static int ask_talkers(struct store *store, struct report_gathered *gathered)
{
	const struct store_filter *filter = gathered->question->filter;
	struct report *report = &gathered->report;
	struct talker_taking taking = {gathered, &gathered->top, gathered->question->top, INT64_MIN, 0};
	int r = store_talkers(store, filter, STORE_BY_ATTEMPTS, taking.most, take_talker, &taking, NULL);

	r = r == 0 ? ask_all_known(store, filter, report, &gathered->top) : r;
	report->top =
		(struct report_talkers){gathered->top.rows, gathered->top.count, report->totals.subscribers};
	return r;
}

static int ask_fresh(struct store *store, struct report_gathered *gathered)
{
	struct store_filter filter = *gathered->question->filter;
	struct report *report = &gathered->report;
	struct talker_taking taking = {gathered, &gathered->fresh, FRESH, filter.until_us - DAY_US, 0};
	int r;

	filter.since_us = filter.until_us - DAY_US;
	r = store_talkers(store, &filter, STORE_BY_ATTEMPTS, 0, take_talker, &taking, NULL);
	r = r == 0 ? ask_all_known(store, &filter, report, &gathered->fresh) : r;
	report->fresh = (struct report_talkers){gathered->fresh.rows, gathered->fresh.count, taking.met};
	return r;
}

/* ---- sums, in time and by group ---- */

/* The part of the period in which there are records: a record bears a time up to a day after its last packet. */
static struct store_filter recorded_part(const struct store_filter *filter, const struct store_sums *sums)
{
	struct store_filter part = *filter;

	if (sums->records > 0 && sums->first_us > part.since_us && sums->first_us < part.until_us)
		part.since_us = sums->first_us;
	if (sums->records > 0 && sums->last_us < part.until_us - DAY_US && sums->last_us >= part.since_us)
		part.until_us = sums->last_us + DAY_US + 1;
	return part;
}

/* A record may come from a clock that is ahead. */
static int64_t end_of_past(const struct report *report, const struct store_sums *sums)
{
	int64_t last_us = sums->last_us > report->now_us ? sums->last_us : report->now_us;

	return last_us > report->since_us && last_us < report->until_us ? last_us : report->until_us;
}

static int ask_totals(struct store *store, struct report_gathered *gathered)
{
	struct store_filter before = *gathered->question->filter;
	struct report *report = &gathered->report;
	struct store_sums sums;
	uint64_t subscribers;
	int r = store_totals(store, &before, &sums, &subscribers);

	if (r != 0)
		return r;
	report->totals = sums_of(&sums, subscribers);
	gathered->recorded = recorded_part(&before, &sums);
	gathered->end_us = end_of_past(report, &sums);
	before.until_us = report->since_us;
	before.since_us = report->since_us - (report->until_us - report->since_us);
	r = store_totals(store, &before, &sums, &subscribers);
	if (r != 0)
		return r;
	report->before = sums_of(&sums, subscribers);
	report->has_before = sums.records > 0;
	return 0;
}

static int take_bucket(void *context, const struct store_bucket *row)
{
	struct report_gathered *gathered = context;

	if (!VEC_RESERVE(gathered->buckets, gathered->bucket_capacity, gathered->bucket_count + 1))
		return -ENOMEM;
	gathered->buckets[gathered->bucket_count++] =
		(struct report_bucket){row->start_us, sums_of(&row->sums, row->subscribers)};
	return 0;
}

/* The shortest step that makes no more than BUCKETS of the period. */
static uint32_t step_of(int64_t seconds)
{
	static const uint32_t steps[] = {60,    300,   900,   1800,   3600,   10800,
					 21600, 43200, 86400, 604800, 2419200};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (seconds / steps[i] <= BUCKETS)
			return steps[i];
	}
	return 31536000;
}

/* Steps begin where they do on the clock that is shown: days at midnight. */
static int32_t shift_of(const struct report *report, uint32_t step_s)
{
	int32_t offset = report->offset(report->context, report->since_us) % (int32_t)step_s;

	return -offset;
}

static int ask_timeline(struct store *store, struct report_gathered *gathered)
{
	struct report *report = &gathered->report;
	struct store_filter filter = *gathered->question->filter;
	int r;

	if (report->totals.records == 0)
		return 0;
	if (filter.until_us - filter.since_us > LONG_DAYS * DAY_US)
		filter = gathered->recorded;
	report->step_s = step_of((filter.until_us - filter.since_us) / SECOND_US);
	r = store_timeline(store, &filter, report->step_s, shift_of(report, report->step_s), take_bucket,
			   gathered);
	report->buckets = gathered->buckets;
	report->bucket_count = gathered->bucket_count;
	return r;
}

static int64_t whole_seconds(int64_t us)
{
	return us / SECOND_US - (us % SECOND_US < 0);
}

/* The hour of the week that has this moment, by the clock that is shown. */
static struct report_heat *hour_of(struct report *report, int64_t us)
{
	int64_t seconds = whole_seconds(us) + report->offset(report->context, us);
	int64_t hours = seconds / HOUR_S - (seconds % HOUR_S < 0);
	int64_t days = hours / REPORT_DAY_HOURS - (hours % REPORT_DAY_HOURS < 0);
	int64_t weekday =
		((days + FIRST_WEEKDAY_SHIFT) % REPORT_WEEK_DAYS + REPORT_WEEK_DAYS) % REPORT_WEEK_DAYS;

	return &report->heat[weekday][hours - days * REPORT_DAY_HOURS];
}

static int take_hour(void *context, const struct store_bucket *row)
{
	struct report *report = context;

	hour_of(report, row->start_us)->attempts += row->sums.attempts;
	return 0;
}

/* The hours at both ends are there in part. */
static void cover_hours(struct report *report, int64_t first_us, int64_t end_us)
{
	const int64_t hour_us = HOUR_S * SECOND_US;

	for (int64_t us = first_us; us < end_us; us += hour_us) {
		int64_t from_us = us > report->since_us ? us : report->since_us;
		int64_t to_us = us + hour_us < end_us ? us + hour_us : end_us;

		hour_of(report, us)->covered_us += to_us - from_us;
	}
}

/* All hours of the period are counted, but only those that can have records are asked for. */
static int ask_heat(struct store *store, struct report_gathered *gathered)
{
	struct report *report = &gathered->report;
	int64_t shown_s = whole_seconds(report->since_us) + report->offset(report->context, report->since_us);
	int64_t past_s = (shown_s % HOUR_S + HOUR_S) % HOUR_S;

	if (report->totals.records == 0)
		return 0;
	cover_hours(report, (whole_seconds(report->since_us) - past_s) * SECOND_US, gathered->end_us);
	return store_timeline(store, &gathered->recorded, HOUR_S, shift_of(report, HOUR_S), take_hour,
			      report);
}

struct group_taking {
	struct report_gathered *gathered;
	struct gathered_groups *into;
};

static int take_group(void *context, const struct store_group_row *row)
{
	struct group_taking *taking = context;
	struct gathered_groups *into = taking->into;

	if (!VEC_RESERVE(into->rows, into->capacity, into->count + 1))
		return -ENOMEM;
	into->rows[into->count++] = (struct report_group){report_gathered_text(taking->gathered, row->name),
							  sums_of(&row->sums, row->subscribers)};
	return 0;
}

/* Destinations are counted by looking at each record. */
static struct store_filter last_day_of_many(const struct report_gathered *gathered)
{
	struct store_filter filter = *gathered->question->filter;

	if (gathered->report.totals.records > gathered->question->many &&
	    filter.until_us - filter.since_us > DAY_US)
		filter.since_us = filter.until_us - DAY_US;
	return filter;
}

static int ask_groups(struct store *store, struct report_gathered *gathered)
{
	struct report *report = &gathered->report;
	const struct {
		enum store_group by;
		struct report_groups *to;
		uint64_t most;
	} questions[GATHERED_GROUPS] = {{STORE_GROUP_POOL, &report->pools, GROUPS},
					{STORE_GROUP_RULE, &report->rules, GROUPS},
					{STORE_GROUP_REASON, &report->reasons, GROUPS},
					{STORE_GROUP_HOST, &report->hosts, GROUPS},
					{STORE_GROUP_DESTINATION, &report->destinations, DESTINATIONS}};
	const struct store_filter *filter = gathered->question->filter;
	const struct store_filter last_day = last_day_of_many(gathered);
	int r = 0;

	report->destinations_since_us = last_day.since_us;
	for (size_t i = 0; i < GATHERED_GROUPS && r == 0; i++) {
		struct group_taking taking = {gathered, &gathered->groups[i]};
		bool destinations = questions[i].by == STORE_GROUP_DESTINATION;

		r = store_groups(store, destinations ? &last_day : filter, questions[i].by, questions[i].most,
				 take_group, &taking);
		*questions[i].to =
			(struct report_groups){gathered->groups[i].rows, gathered->groups[i].count};
	}
	return r;
}

/* ---- the whole ---- */

static bool period_is_whole(const struct store_filter *filter)
{
	return filter->since_us > -PERIOD_MAX && filter->until_us < INT64_MAX / 2 &&
	       filter->since_us < filter->until_us && filter->until_us - filter->since_us <= PERIOD_MAX;
}

static int ask_everything(struct store *store, struct report_gathered *gathered)
{
	static int (*const questions[])(struct store *, struct report_gathered *) = {
		ask_totals, ask_timeline, ask_heat, ask_talkers, ask_fresh, ask_groups, report_gather_health};
	int r = 0;

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]) && r == 0; i++)
		r = questions[i](store, gathered);
	return r == 0 && gathered->no_memory ? -ENOMEM : r;
}

int report_gather(struct store *store, const struct report_question *question, struct report_gathered **ret)
{
	struct report_gathered *gathered;
	int r;

	if (!period_is_whole(question->filter))
		return -EINVAL;
	gathered = calloc(1, sizeof(*gathered));
	if (!gathered)
		return -ENOMEM;
	gathered->question = question;
	gathered->report = (struct report){.now_us = question->now_us,
					   .since_us = question->filter->since_us,
					   .until_us = question->filter->until_us,
					   .offset = question->offset,
					   .context = question->context,
					   .filters = question->filters};
	r = ask_everything(store, gathered);
	if (r != 0) {
		report_gathered_free(gathered);
		return r;
	}
	gathered->question = NULL;
	*ret = gathered;
	return 0;
}

static void free_talkers(struct gathered_talkers *talkers)
{
	for (size_t i = 0; i < talkers->count; i++)
		free(talkers->rows[i].known);
	free(talkers->rows);
}

void report_gathered_free(struct report_gathered *gathered)
{
	if (!gathered)
		return;
	free_talkers(&gathered->top);
	free_talkers(&gathered->fresh);
	for (size_t i = 0; i < GATHERED_GROUPS; i++)
		free(gathered->groups[i].rows);
	for (size_t i = 0; i < gathered->text_count; i++)
		free(gathered->texts[i]);
	free(gathered->texts);
	free(gathered->buckets);
	free(gathered->notices);
	free(gathered->sources);
	free(gathered);
}

struct report *report_gathered_value(struct report_gathered *gathered)
{
	return &gathered->report;
}
