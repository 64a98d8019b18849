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

static void write_in_part(const struct triage *triage, const struct triage_limits *limits, char *out)
{
	char text[DESTINATIONS_TEXT_MAX];

	snprintf(out, EVIDENCE_TEXT_MAX,
		 "%s：%" PRIu32
		 "件未満（bot_destinations）。絞り込みにより記録の一部が除かれているため判定不能",
		 destinations_text(&triage->figures, text), limits->bot_destinations);
}

static void write_day_and_night(const struct triage *triage, const struct triage_limits *limits, char *out)
{
	const struct triage_figures *figures = &triage->figures;
	char text[DESTINATIONS_TEXT_MAX];

	snprintf(out, EVIDENCE_TEXT_MAX,
		 "%s：%" PRIu32 "件以下（server_destinations）。一日24時間のうち%u時間帯で検出：%" PRIu32
		 "時間帯以上（server_clock_hours）。%" PRIu64 "時間のうち%" PRIu64 "時間に活動：%" PRIu64
		 "時間%s",
		 destinations_text(figures, text), limits->server_destinations, figures->clock_hours,
		 limits->server_clock_hours, figures->hours_between, figures->hours_active,
		 triage_steady_hours(figures, limits),
		 triage->why == TRIAGE_DAY_AND_NIGHT ? "以上" : "未満のため継続的な通信ではない");
}

static void write_between(const struct triage *triage, const struct triage_limits *limits, char *out)
{
	const struct triage_figures *figures = &triage->figures;
	bool server;
	uint32_t most = triage_least_between(figures, limits, &server);
	char text[DESTINATIONS_TEXT_MAX];

	snprintf(out, EVIDENCE_TEXT_MAX,
		 "%s：%" PRIu32 "件を超える（%s）、%" PRIu32
		 "件未満（bot_destinations）。一日24時間のうち%u時間帯で検出：%" PRIu32
		 "時間帯%s（server_clock_hours）",
		 destinations_text(figures, text), most,
		 server ? "server_destinations" : "client_destinations", limits->bot_destinations,
		 figures->clock_hours, limits->server_clock_hours, server ? "以上" : "未満");
}

static size_t write_few(const struct triage *triage, const struct triage_limits *limits, char *out)
{
	const struct triage_figures *figures = &triage->figures;
	char text[DESTINATIONS_TEXT_MAX];

	return (size_t)snprintf(out, EVIDENCE_TEXT_MAX,
				"%s：%" PRIu32
				"件以下（client_destinations）。一日24時間のうち%u時間帯で検出：%" PRIu32
				"時間帯未満（server_clock_hours）。",
				destinations_text(figures, text), limits->client_destinations,
				figures->clock_hours, limits->server_clock_hours);
}

static void write_client(const struct triage *triage, const struct triage_limits *limits, char *out)
{
	const struct triage_figures *figures = &triage->figures;
	size_t len = write_few(triage, limits, out), room = EVIDENCE_TEXT_MAX - len;

	if (triage->why == TRIAGE_NO_PERSON)
		snprintf(out + len, room,
			 "ただし一時間に接続試行%" PRIu64 "回：%" PRIu32
			 "回（client_attempts_per_hour）を超え、人の使うメールソフトではない",
			 figures->busiest_hour, limits->client_attempts_per_hour);
	else if (triage->why == TRIAGE_RHYTHM)
		snprintf(out + len, room,
			 "連続%" PRIu32 "時間の休止：%" PRIu32
			 "時間以上（client_silent_hours）。一時間の接続試行は最大%" PRIu64 "回：%" PRIu32
			 "回以下（client_attempts_per_hour）",
			 figures->rest_h, limits->client_silent_hours, figures->busiest_hour,
			 limits->client_attempts_per_hour);
	else
		snprintf(out + len, room,
			 "%" PRIu64 "時間のうち%" PRIu64
			 "時間に活動、前後に%d時間以上の活動がある休止は最長%" PRIu32 "時間：%" PRIu32
			 "時間（client_silent_hours）未満。%s、クライアントかサーバーか判定不能",
			 figures->hours_between, figures->hours_active, STORE_REST_SIDE_H, figures->rest_h,
			 limits->client_silent_hours,
			 triage->why == TRIAGE_TOO_SHORT ? "期間が短いため"
							 : "人の生活リズムが見られないため");
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
	case TRIAGE_IN_PART:
		write_in_part(triage, limits, out);
		break;
	case TRIAGE_DAY_AND_NIGHT:
	case TRIAGE_NOT_STEADY:
		write_day_and_night(triage, limits, out);
		break;
	case TRIAGE_RHYTHM:
	case TRIAGE_NO_PERSON:
	case TRIAGE_TOO_SHORT:
	case TRIAGE_NO_RHYTHM:
		write_client(triage, limits, out);
		break;
	default:
		write_between(triage, limits, out);
		break;
	}
	return out;
}
