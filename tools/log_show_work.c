/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a subscriber stands in the work queue. */
#include "log_show.h"

#include "log_text.h"
#include "log_time.h"
#include "log_work.h"

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

/* ---- for people ---- */

static void print_lines(const struct log_context *context, const struct work_case *work,
			const struct work_verdict *verdict)
{
	char when[LOG_TIME_TEXT_MAX] = "";
	const char *state = work_state_name(verdict->state), *stopped = log_queue_stopped(verdict->stopped);

	log_show_label(context, "queue");
	if (work->changed_us != INT64_MIN)
		log_time_format(work->changed_us, context->utc, when);
	if (verdict->stopped == WORK_STOPPED_NO)
		log_show_line(context, "%s: %s%" PRIu64 " attempts since; dealt with %s by %s", state,
			      verdict->at_most ? "up to " : "", verdict->attempts, when, work->who);
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

static void print_member(const struct log_context *context, const struct work_case *work,
			 const struct work_verdict *verdict)
{
	bool counted = verdict->stopped == WORK_STOPPED_YES || verdict->stopped == WORK_STOPPED_NO;
	char when[LOG_TIME_TEXT_MAX] = "";

	if (work->changed_us != INT64_MIN)
		log_time_format_exact(work->changed_us, context->utc, when);
	printf(",\"queue\":{\"state\":\"%s\"", work_state_name(verdict->state));
	print_text("stopped", log_queue_stopped(verdict->stopped));
	if (counted)
		printf(",\"attempts_since\":%" PRIu64, verdict->attempts);
	else
		print_text("attempts_since", NULL);
	printf(",\"attempts_since_at_most\":%s", verdict->at_most ? "true" : "false");
	print_text("dealt", when);
	print_text("who", work->who);
	print_text("ticket", work->ticket);
	print_text("note", work->note);
	putchar('}');
}

int log_show_work(const struct log_context *context, const struct log_show_cases *cases,
		  const struct prefix *subscriber)
{
	char text[PREFIX_TEXT_MAX];
	const struct work_case *found = NULL;
	struct work_case untouched;
	struct work_activity activity;
	struct work_verdict verdict;
	uint64_t attempts;
	int r;

	if (cases->unknown || subscriber->addr.family == ADDR_NONE) {
		fputs(context->output == LOG_TABLE ? "" : ",\"queue\":null", stdout);
		return 0;
	}
	prefix_format(subscriber, text);
	work_case_begin(&untouched, text);
	if (cases->count > 0)
		found = bsearch(text, cases->items, cases->count, sizeof(*cases->items), compare_case);
	found = found ? found : &untouched;
	r = log_queue_look_up(context, found, work_deadline(found, work_grace(found, WORK_GRACE_UNSAID)),
			      &activity, &attempts);
	if (r < 0)
		return r;
	verdict = work_judge(found, &activity, context->now_us, work_grace(found, WORK_GRACE_UNSAID));
	if (context->output == LOG_TABLE)
		print_lines(context, found, &verdict);
	else
		print_member(context, found, &verdict);
	return 0;
}
