/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_why.h"

#include <inttypes.h>
#include <stdio.h>

/* What triage_judge() says where it is sure of none of the others. */
static void say_rest(const struct triage_figures *figures, const struct triage_limits *limits,
		     const char *about, char out[LOG_WHY_MAX])
{
	if (figures->destinations > limits->client_destinations)
		snprintf(out, LOG_WHY_MAX, "%" PRIu32 "<%s%" PRIu64 " dst<%" PRIu32,
			 limits->client_destinations, about, figures->destinations, limits->bot_destinations);
	else if (figures->clock_hours < limits->server_clock_hours)
		snprintf(out, LOG_WHY_MAX, "%s%" PRIu64 " dst<=%" PRIu32 " %u h<%" PRIu32, about,
			 figures->destinations, limits->client_destinations, figures->clock_hours,
			 limits->server_clock_hours);
	else
		snprintf(out, LOG_WHY_MAX, "%s%" PRIu64 " dst>%" PRIu32 " %u h>=%" PRIu32, about,
			 figures->destinations, limits->server_destinations, figures->clock_hours,
			 limits->server_clock_hours);
}

void log_why(const struct triage *triage, const struct triage_limits *limits, char out[LOG_WHY_MAX])
{
	const struct triage_figures *figures = &triage->figures;
	const char *about = figures->exact ? "" : "~";

	switch (triage->why) {
	case TRIAGE_FEW_ATTEMPTS:
		snprintf(out, LOG_WHY_MAX, "%" PRIu64 " att<%" PRIu32, figures->attempts,
			 limits->least_attempts);
		break;
	case TRIAGE_NO_DESTINATION:
		snprintf(out, LOG_WHY_MAX, "no dst known");
		break;
	case TRIAGE_MANY_DESTINATIONS:
	case TRIAGE_NEARLY_MANY: /* the estimate may be off by so much */
		snprintf(out, LOG_WHY_MAX, "%s%" PRIu64 " dst%s%" PRIu32, about, figures->destinations,
			 triage->why == TRIAGE_MANY_DESTINATIONS ? ">=" : " near ", limits->bot_destinations);
		break;
	case TRIAGE_DAY_AND_NIGHT:
		snprintf(out, LOG_WHY_MAX, "%s%" PRIu64 " dst<=%" PRIu32 " %u h>=%" PRIu32, about,
			 figures->destinations, limits->server_destinations, figures->clock_hours,
			 limits->server_clock_hours);
		break;
	case TRIAGE_NOT_STEADY:
		snprintf(out, LOG_WHY_MAX, "%" PRIu64 "/%" PRIu64 " h<%" PRIu32 "/24", figures->hours_active,
			 figures->hours_between, limits->server_clock_hours);
		break;
	default:
		say_rest(figures, limits, about, out);
		break;
	}
}
