/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/triage.h"

#include <inttypes.h>
#include <stdio.h>

enum { HOURS_OF_DAY = 24, ERROR_PER_MILLE = 33 };

static const int64_t hour_us = INT64_C(3600) * 1000000;

const struct triage_limits triage_limits_default = {
	.bot_destinations = 20,
	.client_destinations = 2,
	.server_destinations = 10,
	.server_clock_hours = 20,
	.least_attempts = 10,
};

static const char *const class_names[] = {
	[TRIAGE_UNKNOWN] = "unknown",
	[TRIAGE_BOT] = "bot",
	[TRIAGE_CLIENT] = "client",
	[TRIAGE_SERVER] = "server",
};

const char *triage_class_name(enum triage_class class)
{
	return (unsigned)class < sizeof(class_names) / sizeof(class_names[0]) ? class_names[class] : "?";
}

/* What the rules ask of an offender, and the words for its destinations. */
struct figures {
	uint64_t destinations;
	bool exact;
	unsigned clock_hours;
	uint64_t hours_active, hours_between;
	char destinations_text[96];
};

static int64_t hour_of(int64_t us)
{
	int64_t hour = us / hour_us;

	return us % hour_us < 0 ? hour - 1 : hour;
}

static uint64_t hours_between(const struct store_sums *sums)
{
	return sums->last_us > sums->first_us
		       ? (uint64_t)(hour_of(sums->last_us) - hour_of(sums->first_us)) + 1
		       : 1;
}

static struct figures figures_of(const struct store_talker *talker)
{
	struct figures figures = {
		.destinations = talker->destinations,
		.exact = talker->destinations_exact,
		.clock_hours = (unsigned)__builtin_popcount(talker->clock_hours & 0xffffff),
		.hours_active = talker->hours_active,
		.hours_between = hours_between(&talker->sums),
	};

	snprintf(figures.destinations_text, sizeof(figures.destinations_text),
		 "%s%" PRIu64 " destination%s%s", figures.exact ? "" : "about ", figures.destinations,
		 figures.destinations == 1 ? "" : "s",
		 figures.exact ? "" : " (estimated, standard error 3.3%)");
	return figures;
}

/* One standard error, rounded up. */
static uint64_t error_of(const struct figures *figures)
{
	if (figures->exact)
		return 0;
	return figures->destinations / 1000 * ERROR_PER_MILLE +
	       (figures->destinations % 1000 * ERROR_PER_MILLE + 999) / 1000;
}

static bool is_steady(const struct figures *figures, const struct triage_limits *limits)
{
	return figures->hours_active * HOURS_OF_DAY >= limits->server_clock_hours * figures->hours_between;
}

static enum triage_class say_bot(const struct figures *figures, const struct triage_limits *limits,
				 char *evidence)
{
	bool certain = figures->destinations - error_of(figures) >= limits->bot_destinations;

	snprintf(evidence, TRIAGE_EVIDENCE_MAX,
		 certain ? "%s: %" PRIu32 " or more (bot_destinations)"
			 : "%s: too near to %" PRIu32 " (bot_destinations) to tell",
		 figures->destinations_text, limits->bot_destinations);
	return certain ? TRIAGE_BOT : TRIAGE_UNKNOWN;
}

/* Few destinations, and so many hours of the day that nobody sleeps. */
static enum triage_class say_day_and_night(const struct figures *figures, const struct triage_limits *limits,
					   char *evidence)
{
	bool steady = is_steady(figures, limits);

	snprintf(evidence, TRIAGE_EVIDENCE_MAX,
		 "%s: at most %" PRIu32 " (server_destinations); in %u of the day's 24 hours: %" PRIu32
		 " or more (server_clock_hours); %s %" PRIu64 " of %" PRIu64 " hours%s",
		 figures->destinations_text, limits->server_destinations, figures->clock_hours,
		 limits->server_clock_hours, steady ? "active in" : "but active in only",
		 figures->hours_active, figures->hours_between, steady ? "" : ": no steady stream");
	return steady ? TRIAGE_SERVER : TRIAGE_UNKNOWN;
}

static enum triage_class say_rest(const struct figures *figures, const struct triage_limits *limits,
				  char *evidence)
{
	bool few = figures->destinations <= limits->client_destinations;
	bool rests = figures->clock_hours < limits->server_clock_hours;

	snprintf(evidence, TRIAGE_EVIDENCE_MAX,
		 "%s: %s %" PRIu32 " (client_destinations), fewer than %" PRIu32
		 " (bot_destinations); in %u of the day's 24 hours: %s%" PRIu32 "%s (server_clock_hours)",
		 figures->destinations_text, few ? "at most" : "more than", limits->client_destinations,
		 limits->bot_destinations, figures->clock_hours, rests ? "fewer than " : "",
		 limits->server_clock_hours, rests ? "" : " or more");
	return few && rests ? TRIAGE_CLIENT : TRIAGE_UNKNOWN;
}

void triage_judge(const struct store_talker *talker, const struct triage_limits *limits, struct triage *ret)
{
	const struct figures figures = figures_of(talker);

	ret->class = TRIAGE_UNKNOWN;
	if (talker->sums.attempts < limits->least_attempts)
		snprintf(ret->evidence, sizeof(ret->evidence),
			 "%" PRIu64 " attempt%s: fewer than %" PRIu32 " (least_attempts) tell nothing",
			 talker->sums.attempts, talker->sums.attempts == 1 ? "" : "s",
			 limits->least_attempts);
	else if (figures.destinations == 0)
		snprintf(ret->evidence, sizeof(ret->evidence), "no destination is known");
	else if (figures.destinations + error_of(&figures) >= limits->bot_destinations)
		ret->class = say_bot(&figures, limits, ret->evidence);
	else if (figures.destinations <= limits->server_destinations &&
		 figures.clock_hours >= limits->server_clock_hours)
		ret->class = say_day_and_night(&figures, limits, ret->evidence);
	else
		ret->class = say_rest(&figures, limits, ret->evidence);
}
