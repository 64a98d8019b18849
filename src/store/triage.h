/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an offender probably is, so that NOC staff call the right people first: told with the figures it rests on, and
 * "unknown" rather than a guess. Thresholds are the policy's.
 *
 * The first of these that holds decides:
 * 1. fewer attempts than least_attempts, or no destination known: unknown.
 * 2. bot_destinations or more: a bot. An estimated count must reach it less one standard error (3.3 %); what only
 *    reaches it with one more is unknown.
 * 3. at most server_destinations, seen in server_clock_hours or more of the day's 24 hours, and in no smaller part of all
 *    hours between the first and the last packet: a server. Without the last one a month of evenings would be one.
 * 4. at most client_destinations, seen in fewer hours of the day: a client.
 * 5. anything else: unknown.
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

enum { TRIAGE_EVIDENCE_MAX = 320 };

/* Thresholds; section [triage] of the policy, whose defaults they share. */
struct triage_limits {
	uint32_t bot_destinations;    /* so many or more: a bot */
	uint32_t client_destinations; /* at most so many */
	uint32_t server_destinations; /* at most so many */
	uint32_t server_clock_hours;  /* seen in so many of the 24 hours or more: no human rhythm */
	uint32_t least_attempts;      /* fewer: unknown */
};

/* Which rule decided. */
enum triage_why {
	TRIAGE_FEW_ATTEMPTS,
	TRIAGE_NO_DESTINATION,
	TRIAGE_MANY_DESTINATIONS,
	TRIAGE_NEARLY_MANY, /* within the error of an estimate */
	TRIAGE_DAY_AND_NIGHT,
	TRIAGE_NOT_STEADY, /* day and night, with pauses */
	TRIAGE_REST,       /* by destinations and hours of the day */
};

/* What the rules look at. */
struct triage_figures {
	uint64_t attempts, destinations;
	bool exact; /* of destinations */
	unsigned clock_hours;
	uint64_t hours_active, hours_between;
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
#endif
