/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/triage.h"

#include <inttypes.h>
#include <stdio.h>

enum { HOURS_OF_DAY = 24, ERROR_PER_MILLE = 33 };

static const int64_t hour_us = INT64_C(3600) * 1000000;

const struct triage_limits triage_limits_default = {
	.bot_destinations = 20,
	.client_destinations = 2,
	.client_attempts_per_hour = 240,
	.client_silent_hours = 7,
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

enum { DESTINATIONS_TEXT_MAX = 96 };

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

static struct triage_figures figures_of(const struct store_talker *talker)
{
	return (struct triage_figures){
		.attempts = talker->sums.attempts,
		.destinations = talker->destinations,
		.exact = talker->destinations_exact,
		.in_part = talker->in_part,
		.clock_hours = (unsigned)__builtin_popcount(talker->clock_hours & 0xffffff),
		.hours_active = talker->hours_active,
		.hours_between = hours_between(&talker->sums),
		.busiest_hour = talker->busiest_hour,
		.rest_h = talker->rest_h,
	};
}

static const char *destinations_text(const struct triage_figures *figures, char out[DESTINATIONS_TEXT_MAX])
{
	snprintf(out, DESTINATIONS_TEXT_MAX, "%s%" PRIu64 " destination%s%s", figures->exact ? "" : "about ",
		 figures->destinations, figures->destinations == 1 ? "" : "s",
		 figures->exact ? "" : " (estimated, standard error 3.3%)");
	return out;
}

/* One standard error, rounded up. */
static uint64_t error_of(const struct triage_figures *figures)
{
	if (figures->exact)
		return 0;
	return figures->destinations / 1000 * ERROR_PER_MILLE +
	       (figures->destinations % 1000 * ERROR_PER_MILLE + 999) / 1000;
}

uint64_t triage_steady_hours(const struct triage_figures *figures, const struct triage_limits *limits)
{
	return (limits->server_clock_hours * figures->hours_between + HOURS_OF_DAY - 1) / HOURS_OF_DAY;
}

static void say_bot(const struct triage_limits *limits, struct triage *ret)
{
	bool certain = ret->figures.destinations - error_of(&ret->figures) >= limits->bot_destinations;
	char text[DESTINATIONS_TEXT_MAX];

	ret->class = certain ? TRIAGE_BOT : TRIAGE_UNKNOWN;
	ret->why = certain ? TRIAGE_MANY_DESTINATIONS : TRIAGE_NEARLY_MANY;
	snprintf(ret->evidence, TRIAGE_EVIDENCE_MAX,
		 certain ? "%s: %" PRIu32 " or more (bot_destinations)"
			 : "%s: too near to %" PRIu32 " (bot_destinations) to tell",
		 destinations_text(&ret->figures, text), limits->bot_destinations);
}

static void say_in_part(const struct triage_limits *limits, struct triage *ret)
{
	char text[DESTINATIONS_TEXT_MAX];

	ret->why = TRIAGE_IN_PART;
	snprintf(ret->evidence, TRIAGE_EVIDENCE_MAX,
		 "%s: fewer than %" PRIu32
		 " (bot_destinations), but the filters leave out a part of his records: "
		 "without them it cannot be told",
		 destinations_text(&ret->figures, text), limits->bot_destinations);
}

/* Few destinations, and so many hours of the day that nobody sleeps. */
static void say_day_and_night(const struct triage_limits *limits, struct triage *ret)
{
	const struct triage_figures *figures = &ret->figures;
	uint64_t enough = triage_steady_hours(figures, limits);
	bool steady = figures->hours_active >= enough;
	char text[DESTINATIONS_TEXT_MAX];

	ret->class = steady ? TRIAGE_SERVER : TRIAGE_UNKNOWN;
	ret->why = steady ? TRIAGE_DAY_AND_NIGHT : TRIAGE_NOT_STEADY;
	snprintf(ret->evidence, TRIAGE_EVIDENCE_MAX,
		 "%s: at most %" PRIu32 " (server_destinations); in %u of the day's 24 hours: %" PRIu32
		 " or more (server_clock_hours); %s %" PRIu64 " of %" PRIu64 " hours: %s %" PRIu64 "%s",
		 destinations_text(figures, text), limits->server_destinations, figures->clock_hours,
		 limits->server_clock_hours, steady ? "active in" : "but active in only",
		 figures->hours_active, figures->hours_between, steady ? "at least" : "fewer than", enough,
		 steady ? "" : " are no steady stream");
}

uint32_t triage_least_between(const struct triage_figures *figures, const struct triage_limits *limits,
			      bool *ret_server)
{
	*ret_server = figures->clock_hours >= limits->server_clock_hours;
	return *ret_server ? limits->server_destinations : limits->client_destinations;
}

static void say_between(const struct triage_limits *limits, struct triage *ret)
{
	const struct triage_figures *figures = &ret->figures;
	bool server;
	uint32_t most = triage_least_between(figures, limits, &server);
	char text[DESTINATIONS_TEXT_MAX];

	ret->why = TRIAGE_BETWEEN;
	snprintf(ret->evidence, TRIAGE_EVIDENCE_MAX,
		 "%s: more than %" PRIu32 " (%s), fewer than %" PRIu32
		 " (bot_destinations); in %u of the day's 24 hours: %s%" PRIu32 "%s (server_clock_hours)",
		 destinations_text(figures, text), most,
		 server ? "server_destinations" : "client_destinations", limits->bot_destinations,
		 figures->clock_hours, server ? "" : "fewer than ", limits->server_clock_hours,
		 server ? " or more" : "");
}

static enum triage_why why_of_few(const struct triage_figures *figures, const struct triage_limits *limits)
{
	if (figures->busiest_hour > limits->client_attempts_per_hour)
		return TRIAGE_NO_PERSON;
	if (figures->rest_h >= limits->client_silent_hours)
		return TRIAGE_RHYTHM;
	return figures->hours_between < TRIAGE_SHORT_H ? TRIAGE_TOO_SHORT : TRIAGE_NO_RHYTHM;
}

static int say_few(const struct triage_figures *figures, const struct triage_limits *limits, char *out)
{
	char text[DESTINATIONS_TEXT_MAX];

	return snprintf(out, TRIAGE_EVIDENCE_MAX,
			"%s: at most %" PRIu32 " (client_destinations); in %u of the day's 24 hours: fewer "
			"than %" PRIu32 " (server_clock_hours); ",
			destinations_text(figures, text), limits->client_destinations, figures->clock_hours,
			limits->server_clock_hours);
}

/* Few destinations, and not so many hours of the day that nobody sleeps: people's, or one whose hours are not known yet. */
static void say_client(const struct triage_limits *limits, struct triage *ret)
{
	const struct triage_figures *figures = &ret->figures;
	int len = say_few(figures, limits, ret->evidence);
	char *out = ret->evidence + len;
	size_t room = TRIAGE_EVIDENCE_MAX - (size_t)len;

	ret->why = why_of_few(figures, limits);
	ret->class = ret->why == TRIAGE_RHYTHM ? TRIAGE_CLIENT : TRIAGE_UNKNOWN;
	if (ret->why == TRIAGE_NO_PERSON)
		snprintf(out, room,
			 "but %" PRIu64 " attempts in an hour: more than %" PRIu32
			 " (client_attempts_per_hour) are no person's",
			 figures->busiest_hour, limits->client_attempts_per_hour);
	else if (ret->why == TRIAGE_RHYTHM)
		snprintf(out, room,
			 "silent for %" PRIu32 " hours on end: %" PRIu32 " or more (client_silent_hours); at "
			 "most %" PRIu64 " attempt%s in an hour: up to %" PRIu32
			 " (client_attempts_per_hour)",
			 figures->rest_h, limits->client_silent_hours, figures->busiest_hour,
			 figures->busiest_hour == 1 ? "" : "s", limits->client_attempts_per_hour);
	else
		snprintf(out, room,
			 "seen in %" PRIu64 " of %" PRIu64 " hours, the longest rest with %d active hours on "
			 "either side is %" PRIu32 ": fewer than %" PRIu32 " (client_silent_hours); %s",
			 figures->hours_active, figures->hours_between, STORE_REST_SIDE_H, figures->rest_h,
			 limits->client_silent_hours,
			 ret->why == TRIAGE_TOO_SHORT
				 ? "too short to tell a client from a server: a longer period may"
				 : "no rhythm that tells a client from a server");
}

static void say_few_attempts(const struct triage_limits *limits, struct triage *ret)
{
	ret->why = TRIAGE_FEW_ATTEMPTS;
	snprintf(ret->evidence, sizeof(ret->evidence),
		 "%" PRIu64 " attempt%s: fewer than %" PRIu32 " (least_attempts) tell nothing",
		 ret->figures.attempts, ret->figures.attempts == 1 ? "" : "s", limits->least_attempts);
}

static void say_no_destination(struct triage *ret)
{
	ret->why = TRIAGE_NO_DESTINATION;
	snprintf(ret->evidence, sizeof(ret->evidence), "no destination is known");
}

void triage_judge(const struct store_talker *talker, const struct triage_limits *limits, struct triage *ret)
{
	const struct triage_figures *figures = &ret->figures;

	ret->class = TRIAGE_UNKNOWN;
	ret->figures = figures_of(talker);
	if (figures->attempts < limits->least_attempts)
		say_few_attempts(limits, ret);
	else if (figures->destinations == 0)
		say_no_destination(ret);
	else if (figures->destinations + error_of(figures) >= limits->bot_destinations)
		say_bot(limits, ret);
	else if (figures->in_part)
		say_in_part(limits, ret);
	else if (figures->destinations <= limits->server_destinations &&
		 figures->clock_hours >= limits->server_clock_hours)
		say_day_and_night(limits, ret);
	else if (figures->destinations > limits->client_destinations ||
		 figures->clock_hours >= limits->server_clock_hours)
		say_between(limits, ret);
	else
		say_client(limits, ret);
}
