/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/evidence.h"

#include <inttypes.h>
#include <stdio.h>

enum { DESTINATIONS_TEXT_MAX = 96 };

static const char *destinations_text(const struct triage_figures *figures, char out[DESTINATIONS_TEXT_MAX])
{
	snprintf(out, DESTINATIONS_TEXT_MAX,
		 figures->exact ? "宛先%" PRIu64 "件" : "宛先約%" PRIu64 "件（推定、標準誤差3.3%%）",
		 figures->destinations);
	return out;
}

static void write_bot(const struct triage *triage, const struct triage_limits *limits, char *out)
{
	char text[DESTINATIONS_TEXT_MAX];

	snprintf(out, EVIDENCE_TEXT_MAX,
		 triage->why == TRIAGE_MANY_DESTINATIONS ? "%s：%" PRIu32 "件以上（bot_destinations）"
							 : "%s：%" PRIu32
							   "件（bot_destinations）に近すぎるため判定不能",
		 destinations_text(&triage->figures, text), limits->bot_destinations);
}

static void write_day_and_night(const struct triage *triage, const struct triage_limits *limits, char *out)
{
	const struct triage_figures *figures = &triage->figures;
	char text[DESTINATIONS_TEXT_MAX];

	snprintf(out, EVIDENCE_TEXT_MAX,
		 "%s：%" PRIu32 "件以下（server_destinations）。一日24時間のうち%u時間帯で検出：%" PRIu32
		 "時間帯以上（server_clock_hours）。%" PRIu64 "時間のうち%" PRIu64 "時間%s",
		 destinations_text(figures, text), limits->server_destinations, figures->clock_hours,
		 limits->server_clock_hours, figures->hours_between, figures->hours_active,
		 triage->why == TRIAGE_DAY_AND_NIGHT ? "に活動" : "しか活動がなく、継続的な通信ではない");
}

static void write_rest(const struct triage *triage, const struct triage_limits *limits, char *out)
{
	const struct triage_figures *figures = &triage->figures;
	char text[DESTINATIONS_TEXT_MAX];

	snprintf(out, EVIDENCE_TEXT_MAX,
		 "%s：%" PRIu32 "件%s（client_destinations）、%" PRIu32
		 "件未満（bot_destinations）。一日24時間のうち%u時間帯で検出：%" PRIu32
		 "時間帯%s（server_clock_hours）",
		 destinations_text(figures, text), limits->client_destinations,
		 figures->destinations <= limits->client_destinations ? "以下" : "を超える",
		 limits->bot_destinations, figures->clock_hours, limits->server_clock_hours,
		 figures->clock_hours < limits->server_clock_hours ? "未満" : "以上");
}

const char *evidence_japanese(const struct triage *triage, const struct triage_limits *limits,
			      char out[EVIDENCE_TEXT_MAX])
{
	switch (triage->why) {
	case TRIAGE_FEW_ATTEMPTS:
		snprintf(out, EVIDENCE_TEXT_MAX,
			 "接続試行%" PRIu64 "回：%" PRIu32 "回未満（least_attempts）のため判定不能",
			 triage->figures.attempts, limits->least_attempts);
		break;
	case TRIAGE_NO_DESTINATION:
		snprintf(out, EVIDENCE_TEXT_MAX, "宛先不明");
		break;
	case TRIAGE_MANY_DESTINATIONS:
	case TRIAGE_NEARLY_MANY:
		write_bot(triage, limits, out);
		break;
	case TRIAGE_DAY_AND_NIGHT:
	case TRIAGE_NOT_STEADY:
		write_day_and_night(triage, limits, out);
		break;
	default:
		write_rest(triage, limits, out);
		break;
	}
	return out;
}
