/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_judge.h"

#include "log_time.h"

#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Before his last packet: who saw him so lately would have seen him go on. */
#define DAY_US     (24 * INT64_C(3600) * 1000000)
#define SAW_HIM_US (7 * DAY_US)
/* An answer whose records end so long ago is told with their end. */
#define LATE_US    DAY_US
/* A shorter one is no silence: records tell of windows of minutes. */
#define SILENCE_US (INT64_C(3600) * 1000000)

enum { STEP_S = 1800 };

void log_judge_begin(struct log_judge *judge, const struct log_context *context)
{
	*judge = (struct log_judge){.context = context};
}

void log_judge_end(struct log_judge *judge)
{
	observed_free(&judge->observed);
	free(judge->remarks);
	*judge = (struct log_judge){0};
}

static struct store_filter filter_of(const struct prefix *subscriber, int64_t since_us)
{
	return (struct store_filter){.since_us = since_us, .until_us = INT64_MAX, .src = *subscriber};
}

struct look {
	struct log_judge *judge;
	struct log_judgement *judgement;
	int64_t deadline_us;
	bool any; /* gateway */
};

/* ---- who would have seen him ---- */

static void look_at(struct look *look, const struct observed_gateway *gateway)
{
	struct log_judge *judge = look->judge;
	struct log_judgement *judgement = look->judgement;
	struct log_judge_remark *remark = &judge->remarks[gateway - judge->observed.gateways];
	int64_t unjudged_us = observed_unjudged(gateway, look->deadline_us), reach_us = gateway->latest_us;
	int64_t observed_us = reach_us == INT64_MIN ? INT64_MIN : reach_us - unjudged_us;

	look->any = true;
	remark->late = remark->late || reach_us < judge->context->now_us - LATE_US;
	if (unjudged_us > remark->unjudged_us)
		remark->unjudged_us = unjudged_us;
	if (unjudged_us > judgement->unjudged_us)
		judgement->unjudged_us = unjudged_us;
	if (observed_us < judgement->activity.observed_us)
		judgement->activity.observed_us = observed_us;
	if (reach_us < judgement->observed_until_us)
		judgement->observed_until_us = reach_us;
}

static int take_gateway(void *context, const struct store_group_row *row)
{
	struct look *look = context;
	const struct observed_gateway *gateway =
		observed_find(&look->judge->observed, row->name ? row->name : "");

	if (gateway)
		look_at(look, gateway);
	return 0;
}

static bool is_any_late(const struct log_judge *judge)
{
	for (size_t i = 0; i < judge->observed.count; i++)
		if (judge->observed.gateways[i].latest_us < judge->context->now_us - LATE_US)
			return true;
	return false;
}

/* Asked once, and only where an answer rests on it. */
static int read_observed(struct log_judge *judge)
{
	int r;

	if (judge->remarks)
		return 0;
	r = store_observed(judge->context->store, judge->context->now_us, &judge->observed);
	if (r == 0 && is_any_late(judge))
		r = log_judge_ask(judge);
	if (r < 0)
		return r;
	judge->remarks = calloc(judge->observed.count + 1, sizeof(*judge->remarks));
	return judge->remarks ? 0 : -ENOMEM;
}

/* Of somebody without any record all gateways are asked. */
static int look_who_saw(struct look *look, const struct prefix *subscriber)
{
	struct log_judge *judge = look->judge;
	struct log_judgement *judgement = look->judgement;
	int64_t last_us = judgement->activity.last_us;
	struct store_filter filter = filter_of(subscriber, last_us);
	int r = read_observed(judge);

	judgement->activity.observed_us = judgement->observed_until_us = INT64_MAX;
	judgement->unjudged_us = 0;
	if (last_us != INT64_MIN)
		filter.since_us = (last_us - SAW_HIM_US) / DAY_US * DAY_US; /* of days there are sums */
	if (r == 0 && last_us != INT64_MIN)
		r = store_groups(judge->context->store, &filter, STORE_GROUP_HOST, 0, take_gateway, look);
	for (size_t i = 0; r == 0 && !look->any && i < judge->observed.count; i++)
		look_at(look, &judge->observed.gateways[i]);
	if (!look->any)
		judgement->activity.observed_us = judgement->observed_until_us = INT64_MIN;
	return r;
}

/* ---- what he did ---- */

struct silence {
	int64_t until_us; /* of the packets met so far */
	int64_t longest_us;
};

static int take_step(void *context, const struct store_bucket *row)
{
	struct silence *silence = context;

	if (row->sums.records == 0)
		return 0;
	if (row->sums.first_us - silence->until_us > silence->longest_us)
		silence->longest_us = row->sums.first_us - silence->until_us;
	if (row->sums.last_us > silence->until_us)
		silence->until_us = row->sums.last_us;
	return 0;
}

/* His first packet since he was dealt with may be long behind it: what is empty at either end is not gone through. */
static int look_for_silence(struct look *look, struct store_filter *filter, int64_t dealt_us)
{
	struct store *store = look->judge->context->store;
	struct silence silence = {.until_us = dealt_us};
	struct store_sums sums = {0};
	int r;

	filter->since_us = dealt_us;
	r = store_totals(store, filter, &sums, NULL);
	if (r < 0 || sums.records == 0)
		return r;
	filter->since_us = sums.first_us > dealt_us ? sums.first_us : dealt_us;
	filter->until_us = sums.last_us + LATE_US;
	/* Steps shorter than an hour are read in one go. */
	r = store_timeline(store, filter, STEP_S, 0, take_step, &silence);
	if (silence.longest_us >= SILENCE_US)
		look->judgement->activity.silence_us = silence.longest_us;
	/* With records of a clock that was decades off. */
	return r == -E2BIG ? 0 : r;
}

static int look_since(struct look *look, const struct prefix *subscriber, const struct work_case *work)
{
	struct work_activity *activity = &look->judgement->activity;
	struct store_filter filter = filter_of(subscriber, look->deadline_us);
	struct store_sums sums = {0};
	int r;

	if (activity->last_us < look->deadline_us)
		return look->deadline_us <= look->judge->context->now_us ? look_who_saw(look, subscriber) : 0;
	r = store_totals(look->judge->context->store, &filter, &sums, NULL);
	activity->attempts_after = sums.attempts;
	activity->first_after_us = sums.first_us;
	return r == 0 && (work->notified || work->closed) ? look_for_silence(look, &filter, work->dealt_us)
							  : r;
}

void log_judge_talker(const struct log_context *context, const struct store_talker *talker,
		      struct log_judgement *ret)
{
	struct triage triage;

	triage_judge(talker, &context->limits, &triage);
	ret->has_class = true;
	ret->class = triage.class;
	ret->attempts = talker->sums.attempts;
	ret->activity.last_us = talker->sums.last_us;
}

void log_judgement_begin(struct log_judgement *judgement)
{
	*judgement = (struct log_judgement){
		.activity = {.last_us = INT64_MIN, .observed_us = INT64_MIN},
		.observed_until_us = INT64_MIN,
		.unjudged_us = -1,
	};
}

int log_judge(struct log_judge *judge, const struct work_case *work, int64_t grace_us,
	      struct log_judgement *ret)
{
	struct look look = {.judge = judge, .judgement = ret, .deadline_us = work_deadline(work, grace_us)};
	struct prefix subscriber;
	int r = 0;

	if (prefix_parse(work->subscriber, strlen(work->subscriber), &subscriber) == ADDR_OK)
		r = look_since(&look, &subscriber, work);
	ret->verdict = work_judge(work, &ret->activity, judge->context->now_us, grace_us);
	return r;
}

uint64_t log_judge_seconds(int64_t us)
{
	return us > 0 ? ((uint64_t)us + LOG_US_PER_S - 1) / LOG_US_PER_S : 0;
}

const char *log_judge_silence(int64_t us, char out[24])
{
	int64_t hours = us / SILENCE_US;

	if (hours < 48)
		snprintf(out, 24, "%" PRId64 "h", hours);
	else
		snprintf(out, 24, "%" PRId64 "d", hours / 24);
	return out;
}

/* ---- below the rows ---- */

/* ", " and what is to be said of one gateway, or nothing. */
typedef void judge_words(const struct log_judge *judge, size_t place, FILE *out);

static void put_late(const struct log_judge *judge, size_t place, FILE *out)
{
	const struct observed_gateway *gateway = &judge->observed.gateways[place];
	char when[LOG_TIME_TEXT_MAX] = "none";

	if (!judge->remarks[place].late)
		return;
	if (gateway->latest_us != INT64_MIN)
		log_time_format(gateway->latest_us, judge->context->utc, when);
	fprintf(out, ", %s %s", gateway->host, when);
}

static void put_unjudged(const struct log_judge *judge, size_t place, FILE *out)
{
	int64_t unjudged_us = judge->remarks[place].unjudged_us;

	if (unjudged_us > 0)
		fprintf(out, ", %s for %" PRIu64 " seconds", judge->observed.gateways[place].host,
			log_judge_seconds(unjudged_us));
}

static char *list_words(const struct log_judge *judge, judge_words *put)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; judge->remarks && i < judge->observed.count; i++)
		put(judge, i, out);
	if (fclose(out) == 0 && size > 2) {
		memmove(text, text + 2, size - 1);
		return text;
	}
	free(text);
	return NULL;
}

char *log_judge_late(const struct log_judge *judge)
{
	return list_words(judge, put_late);
}

char *log_judge_unjudged(const struct log_judge *judge)
{
	return list_words(judge, put_unjudged);
}

void log_judge_explain(const struct log_judge *judge)
{
	char *late CLEANUP_FREE = log_judge_late(judge);
	char *unjudged CLEANUP_FREE = log_judge_unjudged(judge);

	if (late)
		log_note(judge->context,
			 "Latest record or notice: %s. op25bd writes none while it blocks nobody; "
			 "'op25bctl status' tells there whether it runs.",
			 late);
	if (unjudged)
		log_note(judge->context, "After the grace period packets passed that nobody judged: %s.",
			 unjudged);
}
