/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/work.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const what_names[] = {
	[WORK_ACKNOWLEDGED] = "acknowledged",
	[WORK_NOTIFIED] = "notified",
	[WORK_REOPENED] = "reopened",
	[WORK_CLOSED] = "closed",
	[WORK_NOTE] = "note",
	[WORK_TICKET] = "ticket",
};

static const char *const state_names[] = {
	[WORK_OPEN] = "open",
	[WORK_IS_ACKNOWLEDGED] = "acknowledged",
	[WORK_IS_NOTIFIED] = "notified",
	[WORK_CONTINUED] = "continued",
	[WORK_RELAPSED] = "relapsed",
	[WORK_IS_CLOSED] = "closed",
};

static_assert(sizeof(what_names) / sizeof(what_names[0]) == WORK_WHATS, "a name for each");
static_assert(sizeof(state_names) / sizeof(state_names[0]) == WORK_STATES, "a name for each");

const char *work_what_name(enum work_what what)
{
	return (unsigned)what < WORK_WHATS ? what_names[what] : "?";
}

const char *work_state_name(enum work_state state)
{
	return (unsigned)state < WORK_STATES ? state_names[state] : "?";
}

void work_case_begin(struct work_case *work, const char *subscriber)
{
	*work = (struct work_case){
		.dealt_us = INT64_MIN, .changed_us = INT64_MIN, .grace_us = WORK_GRACE_UNSAID};
	snprintf(work->subscriber, sizeof(work->subscriber), "%s", subscriber);
}

void work_case_add(struct work_case *work, const struct work_event *event)
{
	bool deals = event->what == WORK_ACKNOWLEDGED || event->what == WORK_NOTIFIED ||
		     event->what == WORK_CLOSED;

	work->events++;
	work->acknowledged |= event->what == WORK_ACKNOWLEDGED;
	work->notified |= event->what == WORK_NOTIFIED;
	if (event->what == WORK_REOPENED)
		work->acknowledged = work->notified = false;
	if (deals || event->what == WORK_REOPENED) {
		work->closed = event->what == WORK_CLOSED;
		work->changed_us = event->time_us;
		work->dealt_us = deals ? event->time_us : INT64_MIN;
		work->grace_us = deals ? event->grace_us : WORK_GRACE_UNSAID;
		snprintf(work->who, sizeof(work->who), "%s", event->who);
	}
	if (event->ticket)
		snprintf(work->ticket, sizeof(work->ticket), "%s", event->ticket);
	if (event->note)
		snprintf(work->note, sizeof(work->note), "%s", event->note);
}

int64_t work_grace(const struct work_case *work, int64_t asked_us)
{
	if (asked_us >= 0)
		return asked_us;
	return work->grace_us >= 0 ? work->grace_us : WORK_GRACE_US;
}

int64_t work_deadline(const struct work_case *work, int64_t grace_us)
{
	if (work->dealt_us == INT64_MIN || work->dealt_us > INT64_MAX - grace_us)
		return INT64_MAX;
	return work->dealt_us + grace_us;
}

/* Of one who has attempts since: only who was told can have ignored it, and only who was away, or done with, can be back. */
static void judge_attempts(struct work_verdict *verdict, const struct work_case *work,
			   const struct work_activity *activity, int64_t deadline_us)
{
	bool back = activity->silence_us > 0 && activity->silence_us >= deadline_us - work->dealt_us;

	verdict->stopped = WORK_STOPPED_NO;
	verdict->attempts = activity->attempts_after;
	verdict->at_most = activity->first_after_us < deadline_us;
	verdict->silence_us = back ? activity->silence_us : 0;
	if (work->closed)
		verdict->state = WORK_RELAPSED;
	else if (work->notified)
		verdict->state = back ? WORK_RELAPSED : WORK_CONTINUED;
}

struct work_verdict work_judge(const struct work_case *work, const struct work_activity *activity,
			       int64_t now_us, int64_t grace_us)
{
	int64_t deadline_us = work_deadline(work, grace_us);
	struct work_verdict verdict = {.state = WORK_OPEN};

	if (work->dealt_us == INT64_MIN)
		return verdict;
	verdict.state = work->closed     ? WORK_IS_CLOSED
			: work->notified ? WORK_IS_NOTIFIED
					 : WORK_IS_ACKNOWLEDGED;
	if (activity->last_us >= deadline_us) {
		judge_attempts(&verdict, work, activity, deadline_us);
	} else {
		verdict.stopped = now_us < deadline_us                   ? WORK_STOPPED_EARLY
				  : activity->observed_us <= deadline_us ? WORK_STOPPED_UNSEEN
									 : WORK_STOPPED_YES;
	}
	return verdict;
}

/* How many bytes the character takes; 0 when it is none, or one that controls what shows it. */
static size_t good_character(const unsigned char *at, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = at[0] < 0x80   ? 1
		     : at[0] < 0xc2 ? 0
		     : at[0] < 0xe0 ? 2
		     : at[0] < 0xf0 ? 3
		     : at[0] < 0xf5 ? 4
				    : 0;
	uint32_t code = len == 1 ? at[0] : at[0] & (0x7fU >> len);

	if (len == 0 || len > left)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code < least[len] || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 0;
	return len;
}

bool work_text_is_good(const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len == 0 || len > max)
		return false;
	for (size_t at = 0, n; at < len; at += n) {
		n = good_character((const unsigned char *)text + at, len - at);
		if (n == 0)
			return false;
	}
	return true;
}
