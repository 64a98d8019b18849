/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_why.h"

#include <inttypes.h>
#include <stdio.h>

enum { DESTINATIONS_MAX = 32 };

static void say_destinations(const struct triage *triage, const struct triage_limits *limits,
			     const char *destinations, char out[LOG_WHY_MAX])
{
	bool server;

	if (triage->why == TRIAGE_MANY_DESTINATIONS)
		snprintf(out, LOG_WHY_MAX, "%s: %" PRIu32 " or more", destinations, limits->bot_destinations);
	else if (triage->why == TRIAGE_IN_PART)
		snprintf(out, LOG_WHY_MAX, "in part %s: under %" PRIu32, destinations,
			 limits->bot_destinations);
	else if (triage->why == TRIAGE_NEARLY_MANY) /* the estimate may be off by so much */
		snprintf(out, LOG_WHY_MAX, "%s: too near %" PRIu32, destinations, limits->bot_destinations);
	else
		snprintf(out, LOG_WHY_MAX, "%s: %" PRIu32 " to %" PRIu32, destinations,
			 triage_least_between(&triage->figures, limits, &server) + 1,
			 limits->bot_destinations - 1);
}

static void say_stream(const struct triage *triage, const struct triage_limits *limits, char out[LOG_WHY_MAX])
{
	const struct triage_figures *figures = &triage->figures;

	if (triage->why == TRIAGE_DAY_AND_NIGHT)
		snprintf(out, LOG_WHY_MAX, "%u h: %" PRIu32 " or more", figures->clock_hours,
			 limits->server_clock_hours);
	else
		snprintf(out, LOG_WHY_MAX, "%" PRIu64 " of %" PRIu64 " h: under %" PRIu64,
			 figures->hours_active, figures->hours_between, triage_steady_hours(figures, limits));
}

static void say_few(const struct triage *triage, const struct triage_limits *limits, char out[LOG_WHY_MAX])
{
	const struct triage_figures *figures = &triage->figures;

	if (triage->why == TRIAGE_RHYTHM)
		snprintf(out, LOG_WHY_MAX, "rest %" PRIu32 " h: %" PRIu32 " or more", figures->rest_h,
			 limits->client_silent_hours);
	else if (triage->why == TRIAGE_NO_PERSON)
		snprintf(out, LOG_WHY_MAX, "%" PRIu64 " att/h: over %" PRIu32, figures->busiest_hour,
			 limits->client_attempts_per_hour);
	else if (triage->why == TRIAGE_TOO_SHORT)
		snprintf(out, LOG_WHY_MAX, "%" PRIu64 " of %" PRIu64 " h: too short", figures->hours_active,
			 figures->hours_between);
	else
		snprintf(out, LOG_WHY_MAX, "rest %" PRIu32 " h: under %" PRIu32, figures->rest_h,
			 limits->client_silent_hours);
}

void log_why(const struct triage *triage, const struct triage_limits *limits, char out[LOG_WHY_MAX])
{
	const struct triage_figures *figures = &triage->figures;
	char destinations[DESTINATIONS_MAX];

	snprintf(destinations, sizeof(destinations), "%s%" PRIu64 " dst", figures->exact ? "" : "~",
		 figures->destinations);
	switch (triage->why) {
	case TRIAGE_FEW_ATTEMPTS:
		snprintf(out, LOG_WHY_MAX, "%" PRIu64 " att: under %" PRIu32, figures->attempts,
			 limits->least_attempts);
		break;
	case TRIAGE_NO_DESTINATION:
		snprintf(out, LOG_WHY_MAX, "no dst known");
		break;
	case TRIAGE_DAY_AND_NIGHT:
	case TRIAGE_NOT_STEADY:
		say_stream(triage, limits, out);
		break;
	case TRIAGE_RHYTHM:
	case TRIAGE_NO_PERSON:
	case TRIAGE_TOO_SHORT:
	case TRIAGE_NO_RHYTHM:
		say_few(triage, limits, out);
		break;
	default:
		say_destinations(triage, limits, destinations, out);
		break;
	}
}
