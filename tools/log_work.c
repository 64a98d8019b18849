/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ack, notified, reopen, close, note, ticket: what people enter into the work queue. queue --history: what they entered. */
#include "log_work.h"

#include "log_place.h"
#include "log_time.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who sits there: with sudo not root, but whoever became it. */
static const char *login_name(void)
{
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *entry;

	if (sudo && work_text_is_good(sudo, WORK_WHO_MAX))
		return sudo;
	entry = getpwuid(getuid());
	return entry ? entry->pw_name : NULL;
}

static bool check_text(const char *what, const char *text, size_t max)
{
	if (!text || work_text_is_good(text, max))
		return true;
	log_error("%s: 1 to %zu bytes of text in one line are wanted", what, max);
	return false;
}

static bool read_who(const struct log_context *context, struct work_event *event)
{
	event->who = log_value(context, "by");
	if (!event->who)
		event->who = login_name();
	if (event->who)
		return check_text("--by", event->who, WORK_WHO_MAX);
	log_error("your user number has no name: say who you are by --by NAME");
	return false;
}

static bool read_when(const struct log_context *context, struct work_event *event)
{
	const char *at = log_value(context, "at");

	event->time_us = context->now_us;
	if (log_moment(context, "at", at, false, &event->time_us) != LOG_FOUND)
		return false;
	if (event->time_us > context->now_us)
		log_error("--at %s: that is still to come", at);
	return event->time_us <= context->now_us;
}

/* The subscriber as it is stored. LOG_FOUND, LOG_NOTHING or LOG_ERROR, said. */
static int find_subscriber(const struct log_context *context, const char *text, char out[PREFIX_TEXT_MAX])
{
	struct prefix given, subscriber;
	int r;

	if (!log_subscriber(text, &given))
		return LOG_ERROR;
	r = store_work_find(context->store, &given, &subscriber);
	if (r < 0)
		return log_store_error(context);
	if (r == 0) {
		log_error("%s: no record is about this subscriber", text);
		return LOG_NOTHING;
	}
	prefix_format(&subscriber, out);
	return LOG_FOUND;
}

struct decision {
	const char *subscriber;
	struct work_case work;
};

static int take_decision(void *context, const struct work_event *event)
{
	struct decision *decision = context;

	if (strcmp(event->subscriber, decision->subscriber) == 0)
		work_case_add(&decision->work, event);
	return 0;
}

/* The latest decides, and that need not be what was entered last. LOG_FOUND or LOG_ERROR, said. */
static int tell_who_decides(const struct log_context *context, const struct work_event *event)
{
	struct decision decision = {.subscriber = event->subscriber};
	bool decides = event->what != WORK_NOTE && event->what != WORK_TICKET;
	char when[LOG_TIME_TEXT_MAX];

	work_case_begin(&decision.work, event->subscriber);
	if (store_work_events(context->store, take_decision, &decision) < 0)
		return log_store_error(context);
	if (!decides || decision.work.changed_us <= event->time_us)
		return LOG_FOUND;
	log_time_format(decision.work.changed_us, context->utc, when);
	log_error("entered; but what was entered for %s by %s is later, and decides", when,
		  decision.work.who);
	return LOG_FOUND;
}

static int enter(struct log_context *context, enum work_what what, const char *subscriber, const char *ticket,
		 const char *note)
{
	char text[PREFIX_TEXT_MAX];
	struct work_event event = {.subscriber = text,
				   .what = what,
				   .ticket = ticket,
				   .note = note,
				   .grace_us = WORK_GRACE_UNSAID};
	int code;

	if (!check_text("the ticket", ticket, WORK_TICKET_MAX) ||
	    !check_text("the note", note, WORK_NOTE_MAX) || !read_who(context, &event) ||
	    !read_when(context, &event) || !log_queue_grace(context, &event.grace_us))
		return LOG_ERROR;
	code = find_subscriber(context, subscriber, text);
	if (code != LOG_FOUND)
		return code;
	log_place_tell(context);
	if (store_work_add(context->store, &event) < 0)
		return log_store_error(context);
	code = tell_who_decides(context, &event);
	return code == LOG_FOUND ? log_queue_print(context, text) : code;
}

static int enter_with_options(struct log_context *context, enum work_what what, const char *subscriber)
{
	return enter(context, what, subscriber, log_value(context, "ticket"), log_value(context, "note"));
}

int log_ack(struct log_context *context, int argc, char **argv)
{
	return enter_with_options(context, WORK_ACKNOWLEDGED, argv[1]);
}

int log_notified(struct log_context *context, int argc, char **argv)
{
	return enter_with_options(context, WORK_NOTIFIED, argv[1]);
}

int log_reopen(struct log_context *context, int argc, char **argv)
{
	return enter_with_options(context, WORK_REOPENED, argv[1]);
}

int log_close(struct log_context *context, int argc, char **argv)
{
	return enter_with_options(context, WORK_CLOSED, argv[1]);
}

int log_annotate(struct log_context *context, int argc, char **argv)
{
	return enter(context, WORK_NOTE, argv[1], NULL, argv[2]);
}

int log_ticket(struct log_context *context, int argc, char **argv)
{
	return enter(context, WORK_TICKET, argv[1], argv[2], NULL);
}

/* ---- what was entered ---- */

void log_queue_subscriber(struct log_table *table, const char *subscriber)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix prefix;

	if (prefix_parse(subscriber, strlen(subscriber), &prefix) == ADDR_OK)
		log_table_text(table, log_subscriber_text(&prefix, text));
	else
		log_table_text(table, subscriber);
}

struct history {
	const struct log_context *context;
	const char *only; /* NULL: of all */
	struct log_table *table;
	uint64_t rows;
};

/* The filters that an event can meet: its time, and whom it is about. */
static bool is_wanted(const struct history *history, const struct work_event *event)
{
	const struct store_filter *filter = &history->context->filter;
	struct prefix subscriber;

	if (history->only && strcmp(history->only, event->subscriber) != 0)
		return false;
	if (event->time_us < filter->since_us || event->time_us >= filter->until_us)
		return false;
	if (filter->src.addr.family == ADDR_NONE)
		return true;
	return prefix_parse(event->subscriber, strlen(event->subscriber), &subscriber) == ADDR_OK &&
	       (prefix_covers(&filter->src, &subscriber) || prefix_covers(&subscriber, &filter->src));
}

static int write_event(void *context, const struct work_event *event)
{
	struct history *history = context;
	const struct log_context *of = history->context;

	if (!is_wanted(history, event))
		return 0;
	if (of->limit_given && of->limit > 0 && history->rows == of->limit)
		return 0;
	history->rows++;
	log_queue_subscriber(history->table, event->subscriber);
	log_table_time(history->table, event->time_us);
	log_table_text(history->table, work_what_name(event->what));
	log_table_text(history->table, event->who);
	log_table_text(history->table, event->ticket);
	log_table_text(history->table, event->note);
	if (event->grace_us >= 0)
		log_table_number(history->table, (uint64_t)event->grace_us / LOG_US_PER_S);
	else
		log_table_text(history->table, NULL);
	return 0;
}

int log_queue_history(struct log_context *context, const char *subscriber)
{
	static const struct log_column columns[] = {
		{"subscriber", "SUBSCRIBER", LOG_CELL_TEXT, 0, 0},
		{"time", "WHEN", LOG_CELL_TIME, 3, 0},
		{"what", "WHAT", LOG_CELL_TEXT, 2, 0},
		{"who", "WHO", LOG_CELL_TEXT, 4, 0},
		{"ticket", "TICKET", LOG_CELL_TEXT, 1, 0},
		{"note", "NOTE", LOG_CELL_TEXT, 5, 12},
		{"grace_s", NULL, LOG_CELL_NUMBER, 0, 0},
	};
	struct history history = {.context = context, .only = subscriber};
	int code, r;

	history.table = log_table_new(context, columns, sizeof(columns) / sizeof(columns[0]));
	r = store_work_events(context->store, write_event, &history);
	code = log_table_end(history.table);
	return r < 0 ? log_store_error(context) : code;
}

/* Records have pools and rules, what people entered has not; and one subscriber needs no choice. */
static int refuse_filters(const struct log_context *context, bool one)
{
	const struct store_filter *filter = &context->filter;
	bool history = log_value(context, "history") != NULL;
	bool of_records = filter->pool || filter->rule || filter->reason || filter->host ||
			  filter->min_attempts > 0 || filter->dst.addr.family != ADDR_NONE;
	bool of_events = filter->since_us != INT64_MIN || filter->until_us != INT64_MAX;

	if (history && of_records)
		return log_error(
			"queue --history tells what people entered: of the filters it takes --since, --until and --src");
	if (history && (log_value(context, "state") || log_value(context, "grace")))
		return log_error(
			"queue --history tells what people entered: it takes no --state and no --grace");
	if (one && (of_records || (of_events && !history) || filter->src.addr.family != ADDR_NONE))
		return log_error("queue SUBSCRIBER tells all about one: filters choose among many");
	return LOG_FOUND;
}

int log_queue(struct log_context *context, int argc, char **argv)
{
	char text[PREFIX_TEXT_MAX];
	const char *only = argc > 1 ? text : NULL;
	int code = refuse_filters(context, only != NULL);

	if (code == LOG_FOUND && only)
		code = find_subscriber(context, argv[1], text);
	if (code != LOG_FOUND)
		return code;
	log_place_tell(context);
	if (log_value(context, "history"))
		return log_queue_history(context, only);
	return log_queue_print(context, only);
}
