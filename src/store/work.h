/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work queue: what people did about an offender, and what that makes of him now that his records are looked at again.
 * Events are kept by the subscriber's text in a file of their own, STORE-work, so that they outlive the store, which is filled
 * again from the record files wherever it is missing.
 * Nobody has to close or reopen anything: who was told, was silent for a time and is blocked again is back by himself.
 */
#ifndef OP25B_STORE_WORK_H
#define OP25B_STORE_WORK_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

enum work_what {
	WORK_ACKNOWLEDGED, /* somebody looks after it */
	WORK_NOTIFIED,     /* the subscriber was told */
	WORK_REOPENED,
	WORK_CLOSED, /* nothing is to be done any more */
	WORK_NOTE,
	WORK_TICKET,
	WORK_WHATS,
};

enum { WORK_WHO_MAX = 64, WORK_TICKET_MAX = 160, WORK_NOTE_MAX = 500 }; /* bytes, without the NUL */

#define WORK_GRACE_US     (INT64_C(24) * 3600 * 1000000) /* what is usual */
#define WORK_GRACE_UNSAID INT64_C(-1)

/* Texts are borrowed; ticket and note NULL when not given. */
struct work_event {
	const char *subscriber; /* prefix_format() */
	int64_t time_us;
	const char *who;
	enum work_what what;
	const char *ticket, *note;
	int64_t grace_us; /* what was said to be a relapse then; WORK_GRACE_UNSAID: nothing */
};

enum work_state {
	WORK_OPEN,
	WORK_IS_ACKNOWLEDGED, /* and never told, so that nothing was to stop */
	WORK_IS_NOTIFIED,
	WORK_CONTINUED, /* told, and went on without a silence as long as the grace period */
	WORK_RELAPSED,  /* told, silent so long, and back */
	WORK_IS_CLOSED, /* and not blocked since */
	WORK_STATES
};

/* The events of one subscriber, put together. */
struct work_case {
	char subscriber[PREFIX_TEXT_MAX];
	bool acknowledged, notified; /* since it was last open */
	bool closed;                 /* and nobody has dealt with it since */
	int64_t dealt_us;            /* when last, by either; INT64_MIN: not */
	int64_t changed_us; /* of the last event that was no note or ticket; INT64_MIN: there is none */
	uint64_t events;
	int64_t grace_us;           /* said when he was dealt with last; WORK_GRACE_UNSAID: nothing was */
	char who[WORK_WHO_MAX + 1]; /* of the event that changed_us is about; "" without it */
	char ticket[WORK_TICKET_MAX + 1];
	char note[WORK_NOTE_MAX + 1]; /* the latest one */
};

/* What the records say of the subscriber. */
struct work_activity {
	int64_t last_us;         /* his last packet; INT64_MIN: none is known */
	uint64_t attempts_after; /* in records that were written at work_deadline() or later */
	int64_t first_after_us; /* the first packet that those tell of: earlier than the deadline, some may be, too */
	/* Since he was dealt with, the longest time without a packet before one that the above tell of; 0: none worth the name. */
	int64_t silence_us;
	/* How far those who would have seen him tell of anything, less the time in which they judged no packets. */
	int64_t observed_us;
};

enum work_stopped {
	WORK_STOPPED_UNASKED, /* he was not dealt with */
	WORK_STOPPED_YES,     /* nothing since activity.last_us, though there are records since */
	WORK_STOPPED_UNSEEN,  /* nothing, and nobody who saw him before tells of anything since: not known */
	WORK_STOPPED_NO,      /* attempts since */
	WORK_STOPPED_EARLY,   /* the grace period is not over */
};

struct work_verdict {
	enum work_state state;
	enum work_stopped stopped;
	uint64_t attempts;  /* after the grace period */
	int64_t silence_us; /* before he came back; 0: he did not, or never was away */
	bool at_most; /* some of them may have been before: a record tells of a window, not of each packet */
};

/* An event after the ones before it, in the order of their times. A case begins with work_case_begin(). */
void work_case_begin(struct work_case *work, const char *subscriber);
void work_case_add(struct work_case *work, const struct work_event *event);

/* The grace period: what is asked for, else what was said when he was dealt with, else what is usual. */
int64_t work_grace(const struct work_case *work, int64_t asked_us);
/* The moment from which on packets count as a relapse; INT64_MAX where he was not dealt with. */
int64_t work_deadline(const struct work_case *work, int64_t grace_us);
/* activity: asked for that deadline. */
struct work_verdict work_judge(const struct work_case *work, const struct work_activity *activity,
			       int64_t now_us, int64_t grace_us);

const char *
work_what_name(enum work_what what); /* "acknowledged", "notified", "reopened", "closed", "note", "ticket" */
const char *work_state_name(
	enum work_state state); /* "open", "acknowledged", "notified", "continued", "relapsed", "closed" */
/* One line of valid UTF-8 without control characters, 1 to max bytes: what may be kept and shown to others. */
bool work_text_is_good(const char *text, size_t max);

typedef int store_work_row(void *context, const struct work_event *event);

/* As all of store/query.h: 0, or a negative errno with store_error() told. The event is on the disk then. */
int store_work_add(struct store *store, const struct work_event *event);
/* All events, those of a subscriber together, by their times; of the same time, in the order in which they were entered. */
int store_work_events(struct store *store, store_work_row *row, void *context);
/* The stored subscriber that an address belongs to, or that a prefix lies in. 1 with *ret, 0: there is none. */
int store_work_find(struct store *store, const struct prefix *given, struct prefix *ret);

#endif
