/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records about the gateway itself, beside those about subscribers: packets that nobody judged, rules that somebody changed.
 * They stand in the same file, numbered with the others, so that who reads the records also learns where they are not
 * the whole truth. Their form is that of Suricata's log of itself in EVE: event_type "engine", with a message.
 */
#ifndef OP25B_EVENT_NOTICE_H
#define OP25B_EVENT_NOTICE_H

#include "event/event.h"

enum event_notice_kind {
	EVENT_NOTICE_FAILED_OPEN,   /* the kernel let packets pass that the daemon could not take */
	EVENT_NOTICE_FAILED_CLOSED, /* or dropped them */
	EVENT_NOTICE_ABSENT,        /* no daemon was there */
	EVENT_NOTICE_RULES_CHANGED, /* by somebody else */
	EVENT_NOTICE_RULES_BACK,    /* whoever put them back */
	EVENT_NOTICE_RULES_FAILED,  /* they could not be put back */
	EVENT_NOTICES,
};

enum event_notice_state { EVENT_NOTICE_BEGIN, EVENT_NOTICE_END, EVENT_NOTICE_ONCE };

/* Times are wall clock. Everything is borrowed for the call. */
struct event_notice {
	enum event_notice_kind kind;
	enum event_notice_state state;
	int64_t time_ns;
	int64_t first_ns, last_ns; /* of a period: from when to when, as far as it is over */
	bool open;                 /* of a period: packets passed; false: they were dropped */
	bool has_packets;          /* of a period, how many packets are known: */
	bool packets_at_most;      /* some of them may have been judged */
	uint64_t packets;
	uint64_t queue_full, buffer_full; /* of these, by cause */
	const char *digest;               /* of the policy in force */
	const char *message;              /* a sentence for people */
};

/* Writes the record; its number comes after that of the record before. */
void event_notice(struct event_collector *collector, const struct event_notice *notice);

/* "failed-open", ... */
const char *event_notice_name(enum event_notice_kind kind);

/* The table of such a record's fields, for the manual: as event/fields.h has for the others. */
struct out;
struct event_notice_line;
struct event_notice_field {
	const char *object; /* "top", "engine", "op25b" */
	const char *name;
	const char *type;
	const char *meaning;
	void (*write)(struct out *out, const struct event_notice_line *line);
	bool (*present)(const struct event_notice_line *line); /* NULL: in every such record */
};

extern const struct event_notice_field event_notice_fields[];
extern const size_t event_notice_field_count;

/* Internal to event/: the value of one field as JSON; false where such a record has it not. */
bool event_notice_field_write(struct out *out, const struct event_notice_field *field,
			      const struct event_config *config, uint64_t seq,
			      const struct event_notice *notice);
/* Internal to event/: one line with its line feed; returns its length, at most EVENT_RECORD_MAX. */
size_t event_notice_encode(const struct event_config *config, uint64_t seq, const struct event_notice *notice,
			   char out[EVENT_RECORD_MAX]);

#endif
