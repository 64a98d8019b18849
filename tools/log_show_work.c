/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a subscriber stands in the work queue. */
#include "log_show.h"

#include "log_judge.h"
#include "log_text.h"
#include "log_time.h"
#include "log_work.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int keep_case(void *context, const struct work_event *event)
{
	struct log_show_cases *cases = context;
	struct work_case *last = cases->count > 0 ? &cases->items[cases->count - 1] : NULL;

	if (!last || strcmp(last->subscriber, event->subscriber) != 0) {
		if (!VEC_RESERVE(cases->items, cases->capacity, cases->count + 1))
			return -ENOMEM;
		last = &cases->items[cases->count++];
		work_case_begin(last, event->subscriber);
	}
	work_case_add(last, event);
	return 0;
}

void log_show_cases_read(const struct log_context *context, struct log_show_cases *cases)
{
	int r = store_work_events(context->store, keep_case, cases);

	cases->unknown = r < 0;
	if (r == -ENOMEM && store_error(context->store)[0] == '\0')
		log_error("not enough memory");
	else if (r < 0)
		log_store_error(context);
}

void log_show_cases_free(struct log_show_cases *cases)
{
	free(cases->items);
	*cases = (struct log_show_cases){0};
}

static int compare_case(const void *text, const void *item)
{
	return strcmp(text, ((const struct work_case *)item)->subscriber);
}

static const struct work_case *find_case(const struct log_show_cases *cases, const struct prefix *subscriber)
{
	char text[PREFIX_TEXT_MAX];

	prefix_format(subscriber, text);
	return cases->count > 0
		       ? bsearch(text, cases->items, cases->count, sizeof(*cases->items), compare_case)
		       : NULL;
}

bool log_show_is_a_case(const struct log_show_cases *cases, const struct prefix *subscriber)
{
	return find_case(cases, subscriber) != NULL;
}

/* ---- for people ---- */

/* Where the answer ends. */
static void print_ends(const struct log_context *context, const struct log_judge *judge)
{
	char *late CLEANUP_FREE = log_judge_late(judge);
	char *unjudged CLEANUP_FREE = log_judge_unjudged(judge);

	if (late && log_show_label(context, ""))
		log_show_line(context, "latest record or notice: %s", late);
	if (unjudged && log_show_label(context, ""))
		log_show_line(context, "after the grace period packets passed that nobody judged: %s",
			      unjudged);
}

static void print_lines(const struct log_context *context, const struct work_case *work,
			const struct work_verdict *verdict)
{
	char when[LOG_TIME_TEXT_MAX] = "", silence[24] = "";
	const char *state = work_state_name(verdict->state), *stopped = log_queue_stopped(verdict->stopped);

	log_show_label(context, "queue");
	if (work->changed_us != INT64_MIN)
		log_time_format(work->changed_us, context->utc, when);
	if (verdict->silence_us > 0)
		log_judge_silence(verdict->silence_us, silence);
	if (verdict->stopped == WORK_STOPPED_NO)
		log_show_line(context, "%s: %s%" PRIu64 " attempts since%s%s; dealt with %s by %s", state,
			      verdict->at_most ? "up to " : "", verdict->attempts,
			      silence[0] ? ", after a silence of " : "", silence, when, work->who);
	else if (stopped)
		log_show_line(context, "%s %s by %s; stopped: %s", state, when, work->who, stopped);
	else if (when[0])
		log_show_line(context, "%s, reopened %s by %s", state, when, work->who);
	else
		log_show_line(context, "%s: nobody has dealt with it", state);
	if (work->ticket[0] && log_show_label(context, "ticket"))
		log_show_line(context, "%s", work->ticket);
	if (work->note[0] && log_show_label(context, "note"))
		log_show_line(context, "%s", work->note);
}

/* ---- for programs ---- */

static void print_text(const char *name, const char *text)
{
	printf(",\"%s\":", name);
	if (text && text[0])
		log_text_json(stdout, text);
	else
		fputs("null", stdout);
}

static void print_number(const char *name, bool known, uint64_t value)
{
	if (known)
		printf(",\"%s\":%" PRIu64, name, value);
	else
		print_text(name, NULL);
}

static void print_time(const struct log_context *context, const char *name, int64_t us)
{
	char when[LOG_TIME_TEXT_MAX] = "";

	if (us != INT64_MIN)
		log_time_format_exact(us, context->utc, when);
	print_text(name, when);
}

static void print_member(const struct log_context *context, const struct work_case *work,
			 const struct log_judgement *judgement)
{
	const struct work_verdict *verdict = &judgement->verdict;
	bool counted = verdict->stopped == WORK_STOPPED_YES || verdict->stopped == WORK_STOPPED_NO;

	printf(",\"queue\":{\"state\":\"%s\"", work_state_name(verdict->state));
	print_text("stopped", log_queue_stopped(verdict->stopped));
	print_number("attempts_since", counted, verdict->attempts);
	printf(",\"attempts_since_at_most\":%s", verdict->at_most ? "true" : "false");
	print_number("silence_s", verdict->silence_us > 0, log_judge_seconds(verdict->silence_us));
	print_time(context, "observed_until", judgement->observed_until_us);
	print_number("unjudged_s", judgement->unjudged_us >= 0, log_judge_seconds(judgement->unjudged_us));
	print_time(context, "dealt", work->changed_us);
	print_text("who", work->who);
	print_text("ticket", work->ticket);
	print_text("note", work->note);
	putchar('}');
}

struct looking {
	const struct log_context *context;
	struct log_judgement *judgement;
};

static int take_him(void *context, const struct store_talker *talker)
{
	struct looking *looking = context;

	log_judge_talker(looking->context, talker, looking->judgement);
	return 0;
}

static int show_case(const struct log_context *context, const struct prefix *subscriber,
		     const struct work_case *work)
{
	struct log_judgement judgement;
	struct looking looking = {context, &judgement};
	struct log_judge judge;
	int r;

	log_judge_begin(&judge, context);
	log_judgement_begin(&judgement);
	r = store_talkers_named(context->store, subscriber, 1, take_him, &looking);
	r = r < 0 ? r : log_judge(&judge, work, work_grace(work, WORK_GRACE_UNSAID), &judgement);
	if (r == 0 && context->output != LOG_TABLE) {
		print_member(context, work, &judgement);
	} else if (r == 0) {
		print_lines(context, work, &judgement.verdict);
		print_ends(context, &judge);
	}
	log_judge_end(&judge);
	return r;
}

int log_show_work(const struct log_context *context, const struct log_show_cases *cases,
		  const struct prefix *subscriber)
{
	char text[PREFIX_TEXT_MAX];
	const struct work_case *found;
	struct work_case untouched;

	if (cases->unknown || subscriber->addr.family == ADDR_NONE) {
		fputs(context->output == LOG_TABLE ? "" : ",\"queue\":null", stdout);
		return 0;
	}
	prefix_format(subscriber, text);
	work_case_begin(&untouched, text);
	found = find_case(cases, subscriber);
	return show_case(context, subscriber, found ? found : &untouched);
}
