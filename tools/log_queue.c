/* SPDX-License-Identifier: GPL-2.0-or-later */
/* queue: who is to be looked after, who was, and whether he stopped. */
#include "log_work.h"

#include "log_judge.h"
#include "log_time.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COLOUR_RED = 31, COLOUR_GREEN = 32, COLOUR_YELLOW = 33 };

/* One row: a subscriber whom somebody dealt with, or one whom nobody has yet. */
struct row {
	struct work_case work;
	struct log_judgement judgement; /* attempts: of the period where he is new */
};

struct queue {
	struct log_context *context;
	struct log_judge judge;
	const char *only; /* NULL: all */
	enum work_state state;
	bool one_state;   /* only those of `state` */
	int64_t grace_us; /* asked for; WORK_GRACE_UNSAID: that of each */
	struct row *rows;
	size_t count, capacity, known; /* the first `known` have events, and are in order of their texts */
	uint64_t wanted;               /* more rows of subscribers without events */
	bool more;                     /* of these there are more than were wanted */
};

/* ---- those with events ---- */

static int take_event(void *context, const struct work_event *event)
{
	struct queue *queue = context;
	struct row *last = queue->count > 0 ? &queue->rows[queue->count - 1] : NULL;

	if (queue->only && strcmp(queue->only, event->subscriber) != 0)
		return 0;
	if (!last || strcmp(last->work.subscriber, event->subscriber) != 0) {
		if (!VEC_RESERVE(queue->rows, queue->capacity, queue->count + 1))
			return -ENOMEM;
		last = &queue->rows[queue->count++];
		*last = (struct row){0};
		work_case_begin(&last->work, event->subscriber);
	}
	work_case_add(&last->work, event);
	return 0;
}

static int compare_known(const void *text, const void *row)
{
	return strcmp(text, ((const struct row *)row)->work.subscriber);
}

static int take_known(void *context, const struct store_talker *talker)
{
	struct queue *queue = context;
	char text[PREFIX_TEXT_MAX];
	struct row *row;

	prefix_format(&talker->subscriber, text);
	row = bsearch(text, queue->rows, queue->known, sizeof(*row), compare_known);
	if (row)
		log_judge_talker(queue->context, talker, &row->judgement);
	return 0;
}

/* What the records say of them, of all at once. */
static int look_up_known(struct queue *queue)
{
	struct prefix *who CLEANUP_FREE = calloc(queue->known + 1, sizeof(*who));
	size_t count = 0;

	if (!who)
		return -ENOMEM;
	for (size_t i = 0; i < queue->known; i++) {
		const char *text = queue->rows[i].work.subscriber;

		log_judgement_begin(&queue->rows[i].judgement);
		count += prefix_parse(text, strlen(text), &who[count]) == ADDR_OK;
	}
	return store_talkers_named(queue->context->store, who, count, take_known, queue);
}

static int judge(struct queue *queue, struct row *row)
{
	return log_judge(&queue->judge, &row->work, work_grace(&row->work, queue->grace_us), &row->judgement);
}

/* ---- those without ---- */

static int take_talker(void *context, const struct store_talker *talker)
{
	struct queue *queue = context;
	char text[PREFIX_TEXT_MAX];
	struct row *row;

	if (talker->subscriber.addr.family == ADDR_NONE)
		return 0;
	prefix_format(&talker->subscriber, text);
	if (queue->known > 0 && bsearch(text, queue->rows, queue->known, sizeof(*row), compare_known))
		return 0;
	if (queue->wanted == 0) {
		queue->more = true;
		return 1;
	}
	if (!VEC_RESERVE(queue->rows, queue->capacity, queue->count + 1))
		return -ENOMEM;
	row = &queue->rows[queue->count++];
	*row = (struct row){0};
	log_judgement_begin(&row->judgement);
	log_judge_talker(queue->context, talker, &row->judgement);
	work_case_begin(&row->work, text);
	queue->wanted--;
	return 0;
}

static int add_open(struct queue *queue)
{
	struct log_context *context = queue->context;
	uint64_t limit = log_limit(context);
	int r;

	queue->wanted = limit > 0 ? limit : UINT64_MAX;
	/* Two more: overflow is no subscriber, and one tells that there are more. */
	r = store_talkers(context->store, &context->filter, STORE_BY_ATTEMPTS,
			  limit > 0 ? limit + queue->known + 2 : 0, take_talker, queue, NULL);
	return r > 0 ? 0 : r;
}

/* ---- the list ---- */

static bool is_wanted(const struct queue *queue, const struct row *row)
{
	const struct store_filter *filter = &queue->context->filter;
	struct prefix subscriber;

	if (queue->only)
		return true;
	if (queue->one_state ? row->judgement.verdict.state != queue->state
			     : row->judgement.verdict.state == WORK_IS_CLOSED)
		return false;
	if (filter->src.addr.family == ADDR_NONE)
		return true;
	return prefix_parse(row->work.subscriber, strlen(row->work.subscriber), &subscriber) == ADDR_OK &&
	       (prefix_covers(&filter->src, &subscriber) || prefix_covers(&subscriber, &filter->src));
}

/* What is to be done stands first. */
static int compare_rows(const void *a, const void *b)
{
	static const int ranks[] = {[WORK_RELAPSED] = 0,    [WORK_CONTINUED] = 1,       [WORK_OPEN] = 2,
				    [WORK_IS_NOTIFIED] = 3, [WORK_IS_ACKNOWLEDGED] = 4, [WORK_IS_CLOSED] = 5};
	const struct row *left = a, *right = b;
	int rank = ranks[left->judgement.verdict.state] - ranks[right->judgement.verdict.state];

	if (rank != 0)
		return rank;
	if (left->judgement.attempts != right->judgement.attempts)
		return left->judgement.attempts > right->judgement.attempts ? -1 : 1;
	return strcmp(left->work.subscriber, right->work.subscriber);
}

const char *log_queue_stopped(enum work_stopped stopped)
{
	static const char *const names[] = {
		[WORK_STOPPED_YES] = "yes",
		[WORK_STOPPED_NO] = "no",
		[WORK_STOPPED_EARLY] = "too early",
		[WORK_STOPPED_UNSEEN] = "no records since",
	};

	return stopped == WORK_STOPPED_UNASKED ? NULL : names[stopped];
}

/* When he was last blocked stands beside it. */
static const char *stopped_text(const struct row *row, char out[64])
{
	const struct work_verdict *verdict = &row->judgement.verdict;
	char silence[24] = "";

	if (verdict->stopped != WORK_STOPPED_NO)
		return log_queue_stopped(verdict->stopped);
	if (verdict->silence_us > 0)
		log_judge_silence(verdict->silence_us, silence);
	snprintf(out, 64, "no: %s%" PRIu64 "%s%s", verdict->at_most ? "up to " : "", verdict->attempts,
		 silence[0] ? " after " : "", silence);
	return out;
}

static unsigned colour_of(enum work_state state)
{
	if (state == WORK_RELAPSED || state == WORK_CONTINUED)
		return COLOUR_RED;
	return state == WORK_OPEN ? COLOUR_YELLOW : COLOUR_GREEN;
}

static const struct log_column columns[] = {
	{"state", "STATE", LOG_CELL_TEXT, 0, 8},
	{"subscriber", "SUBSCRIBER", LOG_CELL_TEXT, 0, 0},
	{"class", "CLASS", LOG_CELL_TEXT, 3, 0},
	{"attempts", "ATTEMPTS", LOG_CELL_NUMBER, 7, 0},
	{"last", "LAST", LOG_CELL_TIME, 6, 0},
	{"stopped", NULL, LOG_CELL_TEXT, 0, 0},
	{"attempts_since", NULL, LOG_CELL_NUMBER, 0, 0},
	{"attempts_since_at_most", NULL, LOG_CELL_BOOL, 0, 0},
	{"silence_s", NULL, LOG_CELL_NUMBER, 0, 0},
	{"observed_until", NULL, LOG_CELL_TIME, 0, 0},
	{"unjudged_s", NULL, LOG_CELL_NUMBER, 0, 0},
	{NULL, "STOPPED?", LOG_CELL_TEXT, 2, 0},
	{"dealt", "DEALT WITH", LOG_CELL_TIME, 4, 0},
	{"who", "BY", LOG_CELL_TEXT, 8, 0},
	/* Half a ticket leads nowhere. */
	{"ticket", "TICKET", LOG_CELL_TEXT, 1, 0},
	{"note", "NOTE", LOG_CELL_TEXT, 5, 12},
};

static bool is_counted(const struct work_verdict *verdict)
{
	return verdict->stopped == WORK_STOPPED_YES || verdict->stopped == WORK_STOPPED_NO;
}

static void write_number(struct log_table *table, bool known, uint64_t value)
{
	if (known)
		log_table_number(table, value);
	else
		log_table_text(table, NULL);
}

static void write_row(struct log_table *table, const struct row *row)
{
	const struct work_case *work = &row->work;
	char text[64];

	log_table_text(table, work_state_name(row->judgement.verdict.state));
	log_table_paint(table, colour_of(row->judgement.verdict.state));
	log_queue_subscriber(table, work->subscriber);
	log_table_text(table, row->judgement.has_class ? triage_class_name(row->judgement.class) : NULL);
	log_table_paint(table, log_class_colour(row->judgement.class));
	log_table_number(table, row->judgement.attempts);
	log_table_time(table, row->judgement.activity.last_us);
	log_table_text(table, log_queue_stopped(row->judgement.verdict.stopped));
	write_number(table, is_counted(&row->judgement.verdict), row->judgement.verdict.attempts);
	log_table_bool(table, row->judgement.verdict.at_most);
	write_number(table, row->judgement.verdict.silence_us > 0,
		     log_judge_seconds(row->judgement.verdict.silence_us));
	log_table_time(table, row->judgement.observed_until_us);
	write_number(table, row->judgement.unjudged_us >= 0, log_judge_seconds(row->judgement.unjudged_us));
	log_table_text(table, stopped_text(row, text));
	log_table_time(table, work->changed_us);
	log_table_text(table, work->who[0] ? work->who : NULL);
	log_table_text(table, work->ticket[0] ? work->ticket : NULL);
	log_table_text(table, work->note[0] ? work->note : NULL);
}

static int print_rows(struct queue *queue)
{
	const struct log_context *context = queue->context;
	struct log_table *table = log_table_new(context, columns, sizeof(columns) / sizeof(columns[0]));
	uint64_t most = context->limit_given && context->limit > 0 ? context->limit : UINT64_MAX, wanted = 0;
	int code;

	if (queue->count > 0)
		qsort(queue->rows, queue->count, sizeof(queue->rows[0]), compare_rows);
	for (size_t i = 0; i < queue->count; i++)
		if (is_wanted(queue, &queue->rows[i]) && wanted++ < most)
			write_row(table, &queue->rows[i]);
	code = log_table_end(table);
	if (code == LOG_FOUND && (wanted > most || queue->more))
		log_note(context, "There are more (-n 0 shows them all).");
	if (code == LOG_FOUND)
		log_judge_explain(&queue->judge);
	return code;
}

/* The one that was asked for, about whom nothing was entered. */
static int add_untouched(struct queue *queue)
{
	if (!VEC_RESERVE(queue->rows, queue->capacity, queue->count + 1))
		return -ENOMEM;
	queue->rows[queue->count] = (struct row){0};
	work_case_begin(&queue->rows[queue->count++].work, queue->only);
	return 0;
}

/* 0, or a negative errno of the store. */
static int gather(struct queue *queue)
{
	int r = store_work_events(queue->context->store, take_event, queue);

	if (r == 0 && queue->only && queue->count == 0)
		r = add_untouched(queue);
	queue->known = queue->count;
	r = r == 0 ? look_up_known(queue) : r;
	for (size_t i = 0; r == 0 && i < queue->known; i++)
		r = judge(queue, &queue->rows[i]);
	if (r == 0 && !queue->only && (!queue->one_state || queue->state == WORK_OPEN))
		r = add_open(queue);
	return r;
}

bool log_queue_grace(const struct log_context *context, int64_t *ret_us)
{
	const char *grace = log_value(context, "grace");

	if (grace && log_span_parse(grace, ret_us) < 0) {
		log_error("--grace %s: not a length of time; 12h and 3d are", grace);
		return false;
	}
	return true;
}

static bool read_options(struct queue *queue)
{
	const char *state = log_value(queue->context, "state");

	queue->grace_us = WORK_GRACE_UNSAID;
	if (!log_queue_grace(queue->context, &queue->grace_us))
		return false;
	for (unsigned i = 0; state && i < WORK_STATES; i++) {
		if (strcmp(state, work_state_name((enum work_state)i)) != 0)
			continue;
		queue->state = (enum work_state)i;
		queue->one_state = true;
	}
	if (state && !queue->one_state)
		log_error("--state %s: open, acknowledged, notified, continued, relapsed or closed", state);
	return !state || queue->one_state;
}

int log_queue_print(struct log_context *context, const char *subscriber)
{
	struct queue queue = {.context = context, .only = subscriber};
	int r, code = LOG_ERROR;

	if (!read_options(&queue))
		return LOG_ERROR;
	log_judge_begin(&queue.judge, context);
	r = gather(&queue);
	if (r == -ENOMEM && store_error(context->store)[0] == '\0')
		log_error("not enough memory");
	else if (r < 0)
		log_store_error(context);
	else
		code = print_rows(&queue);
	log_judge_end(&queue.judge);
	free(queue.rows);
	return code;
}
