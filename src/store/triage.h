/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an offender probably is, so that NOC staff call the right people first: told with the figures it rests on, and
 * "unknown" rather than a guess. Thresholds are the policy's.
 *
 * The first of these that holds decides:
 * 1. fewer attempts than least_attempts, or no destination known: unknown.
 * 2. bot_destinations or more: a bot. An estimated count must reach it less one standard error (3.3 %); what only
 *    reaches it with one more is unknown.
 * 3. the filter of the question leaves a part of his records alone: unknown. He may be anything to others.
 * 4. at most server_destinations, seen in server_clock_hours or more of the day's 24 hours, and in no smaller part of all
 *    hours between the first and the last packet: a server. Without the last one a month of evenings would be one. Who
 *    fills the clock and is no server is unknown.
 * 5. at most client_destinations, no hour with more than client_attempts_per_hour, and silent for client_silent_hours or
 *    more between active hours (rest_h): a client. That he is seen in few hours of the day is no rhythm: in a period of a
 *    few hours everybody is.
 * 6. anything else: unknown.
 */
#ifndef OP25B_STORE_TRIAGE_H
#define OP25B_STORE_TRIAGE_H

#include "store/query.h"

enum triage_class {
	TRIAGE_UNKNOWN,
	TRIAGE_BOT,    /* many distinct destinations */
	TRIAGE_CLIENT, /* misconfigured: one or two destinations, in the hours of people */
	TRIAGE_SERVER, /* a steady stream to few destinations, day and night */
};

enum {
	TRIAGE_EVIDENCE_MAX = 448,
	TRIAGE_SHORT_H = 24, /* in less time people need not have rested */
};

/* Thresholds; section [triage] of the policy, whose defaults they share. */
struct triage_limits {
	uint32_t bot_destinations;         /* so many or more: a bot */
	uint32_t client_destinations;      /* at most so many */
	uint32_t client_attempts_per_hour; /* at most so many, in his busiest hour */
	uint32_t client_silent_hours;      /* a night's rest: so many hours on end or more */
	uint32_t server_destinations;      /* at most so many */
	uint32_t server_clock_hours;       /* seen in so many of the 24 hours or more: no human rhythm */
	uint32_t least_attempts;           /* fewer: unknown */
};

/* Which rule decided. */
enum triage_why {
	TRIAGE_FEW_ATTEMPTS,
	TRIAGE_NO_DESTINATION,
	TRIAGE_MANY_DESTINATIONS,
	TRIAGE_NEARLY_MANY, /* within the error of an estimate */
	TRIAGE_IN_PART,     /* by the filter */
	TRIAGE_DAY_AND_NIGHT,
	TRIAGE_NOT_STEADY, /* day and night, with pauses */
	TRIAGE_BETWEEN,    /* too many destinations for the hours of the day, too few for a bot */
	TRIAGE_RHYTHM,     /* few destinations, and he rests as people do */
	TRIAGE_NO_PERSON,  /* few destinations, but more attempts than a person's mail program makes */
	TRIAGE_TOO_SHORT,  /* few destinations, and too little time for a rhythm */
	TRIAGE_NO_RHYTHM,  /* few destinations, time enough, and no rest */
};

/* What the rules look at. */
struct triage_figures {
	uint64_t attempts, destinations;
	bool exact;   /* of destinations */
	bool in_part; /* as in store_talker */
	unsigned clock_hours;
	uint64_t hours_active, hours_between;
	uint64_t busiest_hour;
	uint32_t rest_h;
};

struct triage {
	enum triage_class class;
	enum triage_why why;
	struct triage_figures figures;
	char evidence[TRIAGE_EVIDENCE_MAX]; /* English sentence with the figures */
};

extern const struct triage_limits triage_limits_default;

/* *ret is filled in every case. The evidence names the thresholds by their keys in the policy. */
void triage_judge(const struct store_talker *talker, const struct triage_limits *limits, struct triage *ret);
const char *triage_class_name(enum triage_class class); /* "bot", "client", "server", "unknown" */

/* For those who say it in other words. */

/* In how many of the hours between first and last a server must be active. */
uint64_t triage_steady_hours(const struct triage_figures *figures, const struct triage_limits *limits);
/* Of TRIAGE_BETWEEN, what he has more destinations than, and whether that is the threshold of a server, not of a client. */
uint32_t triage_least_between(const struct triage_figures *figures, const struct triage_limits *limits,
			      bool *ret_server);
#endif
