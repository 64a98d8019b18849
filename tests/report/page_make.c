/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages of known values: page_make usual|long|hostile|empty|texts en|ja [CLOCK-OFFSET-SECONDS]. What "usual" shows is a fortnight in which
 * every kind of thing happened; "long" is sixteen weeks of it, which begin in the middle of a step; "hostile" has markup and worse in each text; "texts" prints the table of texts.
 */
#include "report/report.h"
#include "report/texts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_US    (INT64_C(60) * 1000000)
#define HOUR_US      (60 * MINUTE_US)
#define DAY_US       (24 * HOUR_US)
#define NOW_US       (INT64_C(1795000000) * 1000000 / HOUR_US * HOUR_US) /* in November 2026 */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { STEPS = 56, TALKERS = 40, GROUPS = 5 };

static const char *const hostile[] = {
	"<script>window.pwned=1</script>",
	"\"><img src=x onerror=window.pwned=1>",
	"' onmouseover='window.pwned=1' x='",
	"</style><script>window.pwned=1</script>",
	"</title></svg><svg onload=window.pwned=1>",
	"<!--",
	"]]><b>&lt;",
	"\xe2\x80\xaegnp.exe\xe2\x81\xa6 \x1b[31mred\x07\x01",
	"\xff\xfe\xc0\xaf\xed\xa0\x80 bad \xf4\x90\x80\x80 bytes \xe3\x81",
	"javascript:window.pwned=1//\"'`",
	/* What nobody sees: two names would look the same. */
	"dyn\342\200\213amic\xef\xbb\xbf\xc2\xad\xe2\x81\xa0\xf3\xa0\x81\x81\xe3\x85\xa4",
};

static bool is_hostile;
static unsigned next_hostile;

static const char *text_of(const char *usual)
{
	return is_hostile ? hostile[next_hostile++ % COUNT(hostile)] : usual;
}

static int32_t offset_of(void *context, int64_t us)
{
	(void)us;
	return *(int32_t *)context;
}

static uint64_t noise(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return *state >> 33;
}

static struct report_bucket buckets[STEPS];
static struct report_talker talkers[TALKERS];
static struct addr known[24];
static struct report_group pools[GROUPS], rules[GROUPS], reasons[GROUPS], hosts[2], destinations[20];
static char destination_names[COUNT(destinations)][ADDR_TEXT_MAX];

/* Those of a large network: tables have to have room for them. */
static void enlarge(struct report_sums *sums)
{
	sums->packets *= 40;
	sums->blocked *= 40;
	sums->attempts *= 40;
}

static void fill_buckets(struct report *report)
{
	uint64_t state = 7;

	report->step_s = 6 * 3600;
	for (size_t i = 0; i < STEPS; i++) {
		uint64_t packets =
			4000 + noise(&state) % 3000 + (i % 4 == 2 ? 9000 : 0) + (i == 40 ? 31000 : 0);

		if (i == 17 || i == 18)
			packets = 0;
		buckets[i].start_us = report->since_us + (int64_t)i * 6 * HOUR_US;
		buckets[i].sums.records = packets / 40;
		buckets[i].sums.packets = packets;
		buckets[i].sums.blocked = i < 20 ? packets / 3 : packets * 9 / 10;
		buckets[i].sums.attempts = packets / 3;
		buckets[i].sums.subscribers = packets / 150;
		report->totals.records += packets / 40;
		report->totals.packets += packets;
		report->totals.blocked += buckets[i].sums.blocked;
		report->totals.attempts += packets / 3;
	}
	report->totals.subscribers = 1284;
	report->before = (struct report_sums){
		.records = 4000, .packets = 402311, .blocked = 0, .attempts = 151200, .subscribers = 1391};
	enlarge(&report->totals);
	enlarge(&report->before);
	report->has_before = true;
	report->buckets = buckets;
	report->bucket_count = STEPS;
}

/* The same figures over eight times as long, and another highest one. */
static void lengthen(struct report *report)
{
	report->step_s *= 8;
	report->since_us = report->until_us - (STEPS * 8 - 3) * 6 * HOUR_US;
	for (size_t i = 0; i < STEPS; i++)
		buckets[i].start_us = report->until_us - (int64_t)((STEPS - i) * 48) * HOUR_US;
	buckets[40].sums.packets = 42000;
}

static void fill_heat(struct report *report)
{
	uint64_t state = 3;

	for (unsigned day = 0; day < REPORT_WEEK_DAYS; day++) {
		for (unsigned hour = 0; hour < REPORT_DAY_HOURS; hour++) {
			uint64_t busy = hour >= 8 && hour < 19 && day < 5 ? 1800 : 60;

			report->heat[day][hour].covered_us = 2 * HOUR_US;
			report->heat[day][hour].attempts = 2 * (noise(&state) % busy + busy / 4);
		}
	}
	report->heat[5][3].attempts = 0;
	report->heat[6][4].covered_us = 0;
	/* An hour at both ends of the period, half of it each time; one and a half; hardly any. */
	report->heat[5][11] = (struct report_heat){3060, HOUR_US};
	report->heat[6][11] = (struct report_heat){2784, HOUR_US + 30 * MINUTE_US};
	report->heat[4][11] = (struct report_heat){7, 9 * MINUTE_US};
}

static struct prefix subscriber_of(size_t i)
{
	if (i == 11)
		return (struct prefix){0};
	if (i % 4 == 3)
		return (struct prefix){addr_ip6(UINT64_C(0x20010db8107ba000) + (i << 8), 0), 56};
	return (struct prefix){addr_ip4(0x64400000 + (uint32_t)(i * 7919)), 32};
}

static void fill_talker(struct report_talker *talker, size_t i, const struct report *report)
{
	static const uint64_t reach[] = {0, 3210, 1, 3};
	static const uint32_t clock[] = {0x0f0000, 0xffffff, 0x03c07f, 0xffffff};
	static const char *const evidence[][REPORT_LANGUAGES] = {
		{"7 destinations: more than 2 (client_destinations), fewer than 50 (bot_destinations); in 6 of the day's "
		 "24 hours: fewer than 20 (server_clock_hours)",
		 "宛先7件：2件を超える（client_destinations）、50件未満（bot_destinations）。一日24時間のうち6時間帯で検出："
		 "20時間帯未満（server_clock_hours）"},
		{"about 3210 destinations (estimated, standard error 3.3%): 50 or more (bot_destinations)",
		 "宛先約3210件（推定、標準誤差3.3%）：50件以上（bot_destinations）"},
		{"1 destination: at most 2 (client_destinations); in 11 of the day's 24 hours: fewer than 20 "
		 "(server_clock_hours); silent for 13 hours on end: 7 or more (client_silent_hours); at most 9 attempts in "
		 "an hour: up to 240 (client_attempts_per_hour)",
		 "宛先1件：2件以下（client_destinations）。一日24時間のうち11時間帯で検出：20時間帯未満（server_clock_hours）。"
		 "連続13時間の休止：7時間以上（client_silent_hours）。一時間の接続試行は最大9回：240回以下"
		 "（client_attempts_per_hour）"},
		{"3 destinations: at most 5 (server_destinations); in 24 of the day's 24 hours: 20 or more "
		 "(server_clock_hours); active in 330 of 336 hours: at least 280",
		 "宛先3件：5件以下（server_destinations）。一日24時間のうち24時間帯で検出：20時間帯以上（server_clock_hours）。"
		 "336時間のうち330時間に活動：280時間以上"},
	};
	enum report_class class = i % 3 == 0 ? REPORT_BOT : (enum report_class)(i % 4);

	talker->subscriber = subscriber_of(i);
	talker->sums.attempts = 48211 / (i + 1);
	talker->sums.packets = talker->sums.attempts * 3;
	talker->sums.records = 12;
	talker->host = text_of("gw1");
	talker->pool = text_of(i % 2 ? "dynamic" : "dynamic6");
	talker->rule = text_of(i % 5 ? talker->pool : "big-mail");
	talker->reason = text_of(i % 5 ? "pool-enforce" : "destination-enforce");
	talker->several_ways = i % 5 == 0;
	talker->ever_first_us = report->since_us - (int64_t)i * DAY_US;
	talker->first_us = report->since_us + (int64_t)i * MINUTE_US;
	talker->last_us = report->until_us - (int64_t)(i * i) * MINUTE_US;
	talker->destinations = class == REPORT_UNKNOWN ? 7 : reach[class];
	talker->destinations_exact = class != REPORT_BOT;
	talker->clock_hours = clock[class];
	talker->hours_active = 20 + (uint32_t)i;
	talker->busiest_hour = talker->sums.attempts / 9;
	talker->class = class;
	for (unsigned language = 0; language < REPORT_LANGUAGES; language++)
		talker->evidence[language] = text_of(evidence[class][language]);
	talker->known = known;
	talker->known_count = class == REPORT_BOT ? COUNT(known) : talker->destinations;
	talker->known_more = class == REPORT_BOT;
}

static void fill_talkers(struct report *report)
{
	for (size_t i = 0; i < COUNT(known); i++)
		known[i] = i % 3 == 2 ? addr_ip6(UINT64_C(0x20010db8ffff0000) + i, 0x25)
				      : addr_ip4(0xc6336400 + (uint32_t)i * 11);
	for (size_t i = 0; i < TALKERS; i++)
		fill_talker(&talkers[i], i, report);
	report->top = (struct report_talkers){talkers, TALKERS, report->totals.subscribers};
	report->fresh = (struct report_talkers){talkers + 30, 6, 6};
}

static void fill_group(struct report_group *group, const char *name, const struct report *report, size_t i)
{
	group->name = name;
	group->sums = report->totals;
	group->sums.attempts >>= i + 1;
	group->sums.packets >>= i + 1;
	group->sums.blocked >>= i + 1;
	group->sums.records >>= i + 1;
	group->sums.subscribers >>= i + 1;
}

static void fill_groups(struct report *report)
{
	static const char *const pool_names[GROUPS] = {"dynamic", "dynamic6", "cable-north", "trial", ""};
	static const char *const reason_names[GROUPS] = {"pool-enforce", "pool-monitor",
							 "destination-enforce", "unlisted-drop", "spoofed"};

	for (size_t i = 0; i < GROUPS; i++) {
		fill_group(&pools[i], text_of(pool_names[i]), report, i);
		fill_group(&rules[i], text_of(i == 2 ? "big-mail" : pool_names[i]), report, i);
		fill_group(&reasons[i], text_of(reason_names[i]), report, i);
	}
	fill_group(&hosts[0], text_of("gw1"), report, 0);
	fill_group(&hosts[1], text_of("gw2"), report, 1);
	for (size_t i = 0; i < COUNT(destinations); i++) {
		struct addr addr = i % 5 == 4 ? addr_ip6(UINT64_C(0x20010db8ffff0000), i * 0x59)
					      : addr_ip4(0xcb007100 + (uint32_t)i * 7);

		addr_format(&addr, destination_names[i]);
		fill_group(&destinations[i], text_of(destination_names[i]), report, i / 3);
	}
	report->pools = (struct report_groups){pools, GROUPS};
	report->rules = (struct report_groups){rules, GROUPS};
	report->reasons = (struct report_groups){reasons, GROUPS};
	report->hosts = (struct report_groups){hosts, COUNT(hosts)};
	report->destinations = (struct report_groups){destinations, COUNT(destinations)};
}

static void fill_exemptions(struct report *report)
{
	static struct report_exemption exemptions[4];
	static const char *const names[] = {"hosting-a", "clinic", "old-printer", "school"};

	for (size_t i = 0; i < COUNT(exemptions); i++) {
		exemptions[i].name = text_of(names[i]);
		exemptions[i].ticket = text_of(i == 2 ? "" : "NOC-1041");
		exemptions[i].owner = text_of("h.tanaka");
		exemptions[i].reason = text_of("own mail server, rented until it moves");
		exemptions[i].use = (enum report_exemption_use)i;
		exemptions[i].attempts = i > 1 ? 4200 * i : 0;
		exemptions[i].has_until = i != 0;
		exemptions[i].has_from = i == 3;
		exemptions[i].from_us = NOW_US + 3 * DAY_US;
		exemptions[i].until_us = NOW_US + ((int64_t)i * 40 - 60) * DAY_US;
		exemptions[i].state = (enum report_exemption_state[]){
			REPORT_EXEMPTION_VALID, REPORT_EXEMPTION_EXPIRED, REPORT_EXEMPTION_EXPIRING,
			REPORT_EXEMPTION_FUTURE}[i];
	}
	report->has_policy = true;
	report->exemptions = exemptions;
	report->exemption_count = COUNT(exemptions);
}

static void fill_health(struct report *report)
{
	static struct report_notice notices[5];
	static struct report_source sources[3];
	static const char *const what[] = {"failed-open", "absent", "rules-changed", "rules-back",
					   "failed-closed"};

	for (size_t i = 0; i < COUNT(notices); i++) {
		notices[i] = (struct report_notice){.host = text_of(i % 2 ? "gw2" : "gw1"),
						    .what = text_of(what[i])};
		notices[i].is_period = i < 2 || i == 4;
		notices[i].time_us = notices[i].first_us = report->until_us - (int64_t)(i * 3 + 1) * DAY_US;
		notices[i].last_us = notices[i].first_us + (i == 1 ? 9 * HOUR_US : 75 * 1000000);
		notices[i].is_over = i != 4;
		notices[i].open = i < 2;
		notices[i].has_packets = i == 0 || i == 4;
		notices[i].packets = 1200 + i;
	}
	for (size_t i = 0; i < COUNT(sources); i++)
		sources[i] =
			(struct report_source){.host = text_of(i ? "gw2" : "gw1"),
					       .boot_id = text_of("6d1f0f3e-7d55-4c1c-a0a5-0b5d6d0e8f11"),
					       .first_seq = 1,
					       .last_seq = 5000 * (i + 1),
					       .records = 5000 * (i + 1) - (i == 0 ? 7 : 0),
					       .gaps = i == 0 ? 2 : 0,
					       .missing = i == 0 ? 7 : 0};
	report->notices = notices;
	report->notice_count = COUNT(notices);
	report->sources = sources;
	report->source_count = COUNT(sources);
}

static void fill(struct report *report)
{
	fill_buckets(report);
	fill_heat(report);
	fill_talkers(report);
	fill_groups(report);
	fill_exemptions(report);
	fill_health(report);
	report->filters = text_of("--pool dynamic --min-attempts 10");
}

/* The table as lines of two fields: English, Japanese. */
static int print_texts(void)
{
	for (enum report_text text = 0; text < REPORT_TEXT_COUNT; text++)
		printf("%s\t%s\n", report_text(text, REPORT_ENGLISH), report_text(text, REPORT_JAPANESE));
	return 0;
}

int main(int argc, char **argv)
{
	int32_t offset = argc > 3 ? (int32_t)strtol(argv[3], NULL, 10) : 9 * 3600;
	struct report report = {.now_us = NOW_US,
				.since_us = NOW_US - 14 * DAY_US,
				.until_us = NOW_US,
				.offset = offset_of,
				.context = &offset,
				.filters = ""};

	if (argc > 1 && strcmp(argv[1], "texts") == 0)
		return print_texts();
	if (argc < 3)
		return 2;
	is_hostile = strcmp(argv[1], "hostile") == 0;
	if (strcmp(argv[1], "empty") != 0)
		fill(&report);
	if (strcmp(argv[1], "long") == 0)
		lengthen(&report);
	return report_write(&report, strcmp(argv[2], "ja") == 0 ? REPORT_JAPANESE : REPORT_ENGLISH, stdout) ==
			       0
		       ? 0
		       : 1;
}
